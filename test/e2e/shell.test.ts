import { describe, expect, it } from 'vitest';
import { ShellDevice, type ShellDeviceOptions } from '../../firmware-sim/shell/device.js';
import { parseFaults } from '../../firmware-sim/faults.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { PtyPipe } from '../../firmware-sim/pty.js';
import {
  atEnd,
  clock,
  gatewayOf,
  leavesNothingBehind,
  newLink,
  now,
  withEachSiot,
} from './harness.js';
import type { SiotUnderTest } from './harness.js';
import type { WrittenPoint } from './points.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const PROFILE = parseProfile(`
description: Boiler
sensors:
  - { type: temp, key: front, waveform: constant, offset: -12.25, intervalMs: 200 }
settings:
  - { type: setpoint, kind: number, initial: 4.2, max: 8 }
  - { type: offset, kind: number }
  - { type: label, kind: text, initial: Boiler 1 }
commands:
  - { type: restart, action: restart }
`);

/** A board with a shell on a PTY, its gateway, and SIOT. */
async function board(siot: SiotUnderTest, options: Partial<ShellDeviceOptions> = {}) {
  const linkPath = newLink();
  const plug = async (): Promise<ShellDevice> => {
    const pipe = await PtyPipe.open({ linkPath });
    const device = new ShellDevice(pipe, { clock, profile: PROFILE, ...options });
    atEnd(() => device.close());
    device.start();
    return device;
  };
  const device = await plug();
  const client = await siot.client();
  await client.listen();
  const gateway = gatewayOf({
    url: siot.server.url,
    token: siot.server.token,
    links: [
      {
        name: 'boiler',
        transport: { type: 'serial', path: linkPath },
        protocol: 'shell',
        commands: ['restart'],
        ackTimeoutMs: 300,
      },
    ],
  });
  await gateway.start();
  await gateway.ready();
  const nodeId = gateway.nodeId();
  await client.stored(nodeId, 'connected', '0', ({ number }) => number === 1);
  const set = (point: Omit<WrittenPoint, 'time'>): Promise<void> =>
    client.set(siot.generation, nodeId, { time: now(), ...point });
  const settled = (): Promise<unknown> =>
    until(
      () => gateway.link().pending.length === 0,
      () => `nothing to be pending: ${JSON.stringify(gateway.link().pending)}`,
    );
  return { device, plug, client, gateway, nodeId, set, settled };
}

withEachSiot((siot) => {
  for (const times of ['zero', 'synced'] as const) {
    describe(times === 'zero' ? 'a shell without times' : 'a shell that carries times', () => {
      it('brings points up, and settings down', async () => {
        const { device, client, gateway, nodeId, set, settled } = await board(siot, { times });
        const temp = await client.stored(nodeId, 'temp', 'front');
        expect(temp).toMatchObject({ number: -12.25, origin: '' });
        expect(await client.stored(nodeId, 'label')).toMatchObject({ text: 'Boiler 1' });
        expect(gateway.link()).toMatchObject({ codec: 'shell', state: 'talks' });

        await set({ type: 'offset', value: -40n });
        await set({ type: 'label', value: 'lab "bench"' });
        await set({ type: 'setpoint', value: 5.5 });
        await settled();
        expect(device.firmware.setting('offset')).toBe(-40);
        expect(device.firmware.setting('label')).toBe('lab "bench"');
        expect(device.firmware.setting('setpoint')).toBe(5.5);
        expect(await client.stored(nodeId, 'offset')).toMatchObject({ number: -40 });
        expect(gateway.link().acknowledges).toBe('yes');
      });
    });
  }

  it('shows the value that the device has made of a setting, where it answers with its time', async () => {
    const { client, nodeId, set, settled } = await board(siot, { times: 'synced' });
    await set({ type: 'setpoint', value: 99 });
    await client.stored(nodeId, 'setpoint', '0', ({ number }) => number === 8);
    await settled();
  });

  it('gets its settings again after a restart by a command, which is sent once', async () => {
    const { device, client, gateway, nodeId, set, settled } = await board(siot);
    await set({ type: 'setpoint', value: 6 });
    await settled();
    await set({ type: 'restart', value: 1 });
    await until(
      () =>
        gateway.link().counters.restart === 1 &&
        device.firmware.setting('setpoint') === 6 &&
        device.mcu.streams,
      'the device to have restarted and to have its setting again',
    );
    await settled();
    const commands = device.mcu.commands.map(({ words }) => words.slice(0, 2).join(' '));
    expect(commands.filter((command) => command === 'p restart')).toHaveLength(1);
    await client.stored(nodeId, 'gatewayRestart', '0', ({ text }) => text.includes('the banner'));
  });

  it('goes on after the board was unplugged', async () => {
    const { device, plug, client, nodeId, set, settled } = await board(siot);
    await set({ type: 'label', value: 'Boiler 2' });
    await settled();
    await device.close();
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 0);
    await set({ type: 'setpoint', value: 3 });
    const next = await plug();
    await settled();
    expect(next.firmware.setting('setpoint')).toBe(3);
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 1);
  });

  it('brings settings over a line that loses and damages bytes', async () => {
    const faults = parseFaults('flip=0.002,drop=0.002,split=0.3,rx-drop=0.002');
    const { device, set, settled } = await board(siot, { times: 'synced', faults, seed: 7 });
    for (const value of [1, 2, 3, 4]) await set({ type: 'setpoint', value });
    await set({ type: 'label', value: 'Boiler 3' });
    await until(
      () =>
        device.firmware.setting('setpoint') === 4 &&
        device.firmware.setting('label') === 'Boiler 3',
      'the device to have its settings',
      60_000,
    );
    device.line.mend();
    await settled();
  });
});
