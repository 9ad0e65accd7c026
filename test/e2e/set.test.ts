/** `siot-mcu set` says what has happened: with the real program, on a device that has settings. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Behaviour } from '../../firmware-sim/behaviours.js';
import { neverAcknowledge, whenType } from '../../firmware-sim/behaviours.js';
import type { Protocol } from '../../firmware-sim/codec.js';
import { SimulatedDevice } from '../../firmware-sim/device.js';
import { numberIn, textIn } from '../../firmware-sim/points.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { PtyPipe } from '../../firmware-sim/pty.js';
import { PUMP_CONTROLLER_YAML } from '../../firmware-sim/pump-controller.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { Cli, runCli } from '../support/cli.js';
import { SLOWNESS, mcuTimes } from '../support/slowness.js';
import { SiotStore } from '../siot-store/siot-store.js';
import { PROTOCOLS, atEnd, clock, leavesNothingBehind } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();
// Each case starts many programs.
vi.setConfig({ testTimeout: 60_000 * SLOWNESS });

interface Station {
  readonly device: SimulatedDevice;
  readonly store: SiotStore | undefined;
  /** Where the gateway keeps what is known of its links. */
  readonly links: string;
  set(...args: readonly string[]): ReturnType<typeof runCli>;
  restart(): Promise<void>;
}

/** A pump controller on a PTY, `siot-mcu run`, NATS and, unless `alone`, a store. */
async function station(
  protocol: Protocol,
  {
    alone = false,
    behaviour,
    announce = true,
  }: { alone?: boolean; behaviour?: Behaviour; announce?: boolean } = {},
): Promise<Station> {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-set-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const nats = await NatsServer.start({ args: ['-js', '-sd', join(folder, 'js')] });
  atEnd(() => nats.stop());
  const store = alone ? undefined : await SiotStore.start({ nats: nats.url, version: '0.25.0' });
  atEnd(() => store?.stop());
  const pipe = await PtyPipe.open();
  const profile = parseProfile(`announce: ${String(announce)}\n${PUMP_CONTROLLER_YAML}`);
  const device = new SimulatedDevice(pipe, { clock, protocol, profile, ...mcuTimes });
  atEnd(() => device.close());
  if (behaviour !== undefined) device.mcu.push(behaviour);
  const config = join(folder, 'gateway.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      nats: { servers: nats.url },
      stateDir: join(folder, 'state'),
      siot: { store: alone ? 'none' : 'auto' },
      links: [
        {
          name: 'pump',
          transport: { type: 'serial', path: pipe.path },
          node: { id: 'pump-1' },
          protocol,
          commands: ['restart'],
          ackTimeoutMs: 150 * SLOWNESS,
        },
      ],
    }),
  );
  let daemon: Cli | undefined;
  const end = async (): Promise<void> => {
    daemon?.child.kill('SIGKILL');
    await daemon?.ended;
  };
  atEnd(end);
  const start = async (): Promise<void> => {
    daemon = new Cli(['run', '-c', config, '--log-format', 'json']);
    await daemon.said(/"port is open"/);
    if (store !== undefined) await until(() => store.point('pump-1', 'rx') ?? false, 'the node');
  };
  await start();
  device.start();
  await until(
    () => device.mcu.receivedPoints.some(({ type }) => type === 'timeSync'),
    'the device to be served',
  );
  const set = (...args: readonly string[]) =>
    runCli(['set', '-c', config, '--timeout', String(20 * SLOWNESS), 'pump', ...args]);
  // What it reports when it starts has been taken.
  await until(() => device.mcu.received.some(({ subject }) => subject === 'ack'), 'an ack');
  return {
    device,
    store,
    links: join(folder, 'state', 'links'),
    set,
    restart: async () => {
      await end();
      await start();
    },
  };
}

describe.each(PROTOCOLS)('siot-mcu set, %s', (protocol) => {
  it('converts a word to the kind that the device reports, and tells what it reports afterwards', async () => {
    const { device, set } = await station(protocol);
    const last = (type: string) =>
      device.mcu.receivedPoints.filter((point) => point.type === type).at(-1)?.value;

    const [off, text, spare, other] = await Promise.all([
      set('enabled', 'off'),
      set('label', 'off'),
      // Of what it has not reported the word alone tells, or an option.
      set('spare', 'on'),
      set('other', 'off', '--text'),
    ]);
    expect(off).toMatchObject({
      status: 0,
      stdout: 'enabled is acknowledged by pump, which reports 0\n',
    });
    expect(textIn(last('enabled'))).toBe('');
    expect(device.firmware.setting('enabled')).toBe(false);
    expect(text).toMatchObject({
      status: 0,
      stdout: 'label is acknowledged by pump, which reports off\n',
    });
    expect(device.firmware.setting('label')).toBe('off');
    expect(spare).toMatchObject({
      status: 0,
      stdout: 'spare is acknowledged by pump, and not reported\n',
    });
    expect(numberIn(last('spare'))).toBe(1);
    expect(other.status).toBe(0);
    expect(textIn(last('other'))).toBe('off');

    const [on, number] = await Promise.all([set('enabled', 'true'), set('label', '42')]);
    expect([on.status, number.status]).toEqual([0, 0]);
    expect(device.firmware.setting('enabled')).toBe(true);
    expect(device.firmware.setting('label')).toBe('42');
    await Promise.all([set('enabled', '0'), set('label', 'on', '--number')]);
    expect(device.firmware.setting('enabled')).toBe(false);
    expect(numberIn(last('label'))).toBe(1);
    expect(textIn(last('label'))).toBe('');
  });

  it('refuses what the device has announced not to take, before anything is sent', async () => {
    const { set, device } = await station(protocol);
    expect(await set('setpoint', '99')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(
        'setpoint is refused: 99 is not allowed: setpoint of pump takes 0.5 … 8 bar\n',
      ) as string,
    });
    const [flow, mode] = await Promise.all([set('flow', '1'), set('mode', 'nonsense')]);
    expect(flow.stderr).toContain('flow is refused: flow of pump is read-only');
    expect(mode.stderr).toContain('mode of pump takes auto, manual, eco\n');
    for (const type of ['setpoint', 'flow', 'mode']) device.mcu.assertNotReceived(type);
  });

  it('warns where the device takes another value', async () => {
    const { set } = await station(protocol, { announce: false });
    const clamped = await set('setpoint', '99');
    expect(clamped).toMatchObject({
      status: 0,
      stdout: 'setpoint is acknowledged by pump, which reports 8\n',
    });
    expect(clamped.stderr).toContain('siot-mcu: setpoint: the device reports 8 instead of 99\n');
    const good = await set('setpoint', '2.1');
    expect(good.stdout).toBe('setpoint is acknowledged by pump, which reports 2.1\n');
    expect(good.stderr).not.toContain('instead');
    const refusedThere = await set('mode', 'nonsense');
    expect(refusedThere.status).toBe(0);
    expect(refusedThere.stderr).toContain('mode: the device reports auto instead of nonsense\n');
  });

  it('is unconfirmed by a device that never acknowledges, whatever it reports', async () => {
    const { device, set } = await station(protocol, { behaviour: neverAcknowledge() });
    for (const value of ['3', '4', '5']) {
      const one = await set('setpoint', value);
      expect(one).toMatchObject({ status: 1, stdout: '' });
      expect(one.stderr).toMatch(/siot-mcu: setpoint is unconfirmed: /);
      expect(device.firmware.setting('setpoint')).toBe(Number(value));
    }
  });

  it('says what is unconfirmed, what the gateway does itself, and what is still pending', async () => {
    const { set } = await station(protocol, {
      behaviour: whenType('restart', neverAcknowledge()),
    });
    const command = await set('restart', '1');
    expect(command).toMatchObject({ status: 1, stdout: '' });
    expect(command.stderr).toMatch(/siot-mcu: restart is unconfirmed: /);
    expect((await set('rxReset', '1')).stdout).toBe('rxReset is done by the gateway itself\n');
    expect(await set('disabled', 'on')).toMatchObject({
      status: 0,
      stdout: 'disabled is done by the gateway itself\n',
    });
    const late = await set('setpoint', '3', '--timeout', '1');
    expect(late).toMatchObject({ status: 1, stdout: '' });
    expect(late.stderr).toMatch(
      /\nsiot-mcu: setpoint is pending: not acknowledged within 1 s: the link is disabled in SIOT\n$/,
    );
    expect((await set('disabled', 'off')).status).toBe(0);
    expect((await set('setpoint', '4')).status).toBe(0);
  });
});

describe.each([
  ['with a store', false],
  ['without a store', true],
])('siot-mcu set where nothing can be kept, %s', (_what, alone) => {
  it('refuses a setting; after a crash there is what was accepted, and nothing of what was refused', async () => {
    const { device, set, links, restart, store } = await station('compact', { alone });
    const silent = device.mcu.push({ name: 'deaf', onPacket: () => 'handled' });
    const kept = await set('setpoint', '3', '--timeout', '1');
    expect(kept.stderr).toContain('setpoint is pending');
    renameSync(links, `${links}.away`);
    writeFileSync(links, 'no folder');
    for (const [type, value] of [
      ['setpoint', '5'],
      ['restart', '1'],
      ['enabled', 'off'],
      ['disabled', 'on'],
    ] as const) {
      const refused = await set(type, value);
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(new RegExp(`siot-mcu: ${type} is refused: .*cannot be saved`));
      // The device's own reports are there, and nobody else's.
      if (type !== 'setpoint') expect(store?.point('pump-1', type)?.origin ?? '').toBe('');
    }
    rmSync(links);
    renameSync(`${links}.away`, links);
    silent();
    device.mcu.clearReceived();
    await restart();
    const point = await device.mcu.waitForSetting('setpoint');
    expect(numberIn(point.value)).toBe(3);
    expect((await set('mode', 'eco')).status).toBe(0);
    for (const type of ['restart', 'enabled']) device.mcu.assertNotReceived(type);
    const sent = device.mcu.receivedPoints.filter(({ type }) => type === 'setpoint');
    expect(sent.map(({ value }) => numberIn(value)).every((value) => value === 3)).toBe(true);
  });
});
