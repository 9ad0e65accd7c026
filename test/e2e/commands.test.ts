import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ignorePoints, neverAcknowledge, whenType } from '../../firmware-sim/behaviours.js';
import { numberIn, textIn } from '../../firmware-sim/points.js';
import { Cli, runCli } from '../support/cli.js';
import { SLOWNESS } from '../support/slowness.js';
import {
  atEnd,
  leavesNothingBehind,
  now,
  openDevice,
  withEachSiot,
  type Device,
  gatewayOf,
} from './harness.js';
import type { GatewayUnderTest } from '../gateway/plant.js';
import type { NatsClient } from './nats-client.js';
import type { SiotUnderTest } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();

/** Writes `gateway.yaml`: JSON is YAML. */
function writeConfig(folder: string, document: object): string {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify(document, undefined, 2));
  return file;
}

type Line = Readonly<Record<string, unknown>>;

/** A line of JSON for which `matches` holds, said already or soon. */
function lineOf(program: Cli, matches: (line: Line) => boolean, what: string): Promise<Line> {
  return until(
    () => {
      const lines = program.stdout.split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Line).find(matches);
    },
    () => `${what}; it said:\n${program.stdout}${program.stderr}`,
  );
}

// Several programs at once take their time on a slow machine.
vi.setConfig({ testTimeout: 60_000 * SLOWNESS });

interface Station {
  readonly device: Device;
  readonly client: NatsClient;
  readonly config: string;
  readonly file: GatewayUnderTest;
  readonly daemon: Cli;
  readonly nodeId: string;
}

/** A device, SIOT, and `siot-mcu run` between them. */
async function station(siot: SiotUnderTest): Promise<Station> {
  const device = await openDevice('compact');
  const nodeId = `node-${String(now())}`;
  const file = gatewayOf({
    url: siot.server.url,
    token: siot.server.token,
    links: [
      {
        name: 'pump',
        transport: device.transport,
        node: { id: nodeId },
        ackTimeoutMs: 100 * SLOWNESS,
      },
    ],
  });
  const config = writeConfig(file.folder, file.document);
  const daemon = new Cli(['run', '-c', config, '--log-format', 'json']);
  atEnd(async () => {
    // Before its folder goes.
    daemon.child.kill('SIGKILL');
    await daemon.ended;
  });
  const client = await siot.client();
  await client.node(nodeId);
  await isOpen(daemon, 'pump');
  await device.report({ type: 'temp', value: 20, time: now() });
  return { device, client, config, file, daemon, nodeId };
}

/** Until it says that the port of a link is open. */
const isOpen = (daemon: Cli, link: string): Promise<unknown> =>
  daemon.said(new RegExp(`^(?=.*"link":"${link}")(?=.*"port is open")`, 'm'));

withEachSiot((siot) => {
  it('siot-mcu set: says when the device has acknowledged, and why not', async () => {
    const { device, client, config, nodeId } = await station(siot);
    const withTimeout = ['--timeout', String(30 * SLOWNESS)];
    const set = (...args: readonly string[]) =>
      runCli(['set', '-c', config, ...withTimeout, ...args]);

    const done = await set('pump', 'setpoint', '5.5');
    // What it waits for meanwhile may be said on stderr.
    expect(done).toMatchObject({
      status: 0,
      stdout: 'setpoint is acknowledged by pump, and not reported\n',
    });
    expect(numberIn(device.mcu.assertReceived('setpoint').value)).toBe(5.5);
    // It went through SIOT, which has it with another origin than the device's.
    const stored = await client.stored(nodeId, 'setpoint');
    expect(stored.number).toBe(5.5);
    expect(stored.origin).not.toBe('');

    const [flag, text, refused, unknown, noPoint, noValue] = await Promise.all([
      set('pump', 'relay/2', 'true'),
      set('pump', 'mode', 'eco'),
      // What is not the device's; no such link; nonsense.
      set('pump', 'baud', '9600'),
      set('pomp', 'setpoint', '1'),
      set('pump', 'a b', '1'),
      set('pump'),
    ]);
    expect(flag.status).toBe(0);
    expect(device.mcu.assertReceived('relay')).toMatchObject({ key: '2', value: 1 });
    expect(text.status).toBe(0);
    expect(textIn(device.mcu.assertReceived('mode').value)).toBe('eco');
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('baud');
    expect(unknown.status).not.toBe(0);
    expect(unknown.stderr).toContain('pump');
    expect(noPoint.status).toBe(2);
    expect(noValue.status).toBe(2);

    device.mcu.push(whenType('deaf', ignorePoints()));
    // Said twice, the last one counts.
    const late = await set('pump', 'deaf', '1', '--timeout', '1');
    expect(late).toMatchObject({ status: 1, stdout: '' });
    expect(late.stderr).toContain('deaf');
    for (const { stderr } of [refused, unknown, late]) expect(stderr).not.toMatch(/^\s+at /m);
  });
});

// What does not depend on the store's own rules: one of each generation.
withEachSiot(
  (siot) => {
    it('siot-mcu watch: points, pending settings and the link, as lines of JSON', async () => {
      const { device, client, config, nodeId } = await station(siot);
      const watch = new Cli(['watch', 'pump', '-c', config, '--json']);
      await lineOf(watch, ({ kind }) => kind === 'siot', 'the line of SIOT');
      expect(
        await lineOf(watch, ({ kind }) => kind === 'link', 'the line of the link'),
      ).toMatchObject({
        link: 'pump',
        nodeId,
        connected: true,
        codec: 'compact',
        node: 'alive',
      });
      const time = now();
      await device.report({ type: 'flow', key: 'in', value: 1.5, time });
      expect(await lineOf(watch, ({ type }) => type === 'flow', 'the reported point')).toEqual({
        kind: 'point',
        direction: 'up',
        link: 'pump',
        type: 'flow',
        key: 'in',
        value: 1.5,
        time: String(time),
      });
      const away = device.mcu.push(whenType('setpoint', ignorePoints()));
      const setTime = now();
      await client.set(siot.generation, nodeId, { type: 'setpoint', value: 7, time: setTime });
      expect(
        await lineOf(watch, ({ kind }) => kind === 'pending', 'a pending setting'),
      ).toMatchObject({
        link: 'pump',
        type: 'setpoint',
        value: 7,
        time: String(setTime),
      });
      const down = await lineOf(watch, ({ direction }) => direction === 'down', 'the setting');
      expect(down).toMatchObject({ type: 'setpoint', value: 7, origin: 'user-1' });
      away();
      // The device says something, and the setting is tried again.
      device.mcu.push(whenType('setpoint', neverAcknowledge()));
      await device.report({ type: 'setpoint', value: 7, time: now() });
      await lineOf(watch, ({ kind }) => kind === 'settled', 'the setting to be settled');
      watch.child.kill('SIGINT');
      expect(await watch.ended).toBe(0);
      expect(watch.stderr).toBe('');
    });

    it('siot-mcu confirm: says that nothing of the link is held back', async () => {
      const { config } = await station(siot);
      const confirm = await runCli(['confirm', '-c', config, 'pump']);
      expect(confirm).toMatchObject({ status: 1, stdout: '' });
      expect(confirm.stderr).toContain('nothing of "pump" is held back');
      expect((await runCli(['confirm', '-c', config, 'pumps'])).status).toBe(2);
    });

    it('siot-mcu undelete: a node that somebody deleted lives again', async () => {
      const { client, config, device, nodeId } = await station(siot);
      const undelete = (...args: readonly string[]) => runCli(['undelete', '-c', config, ...args]);
      await client.stored(nodeId, 'temp');
      const [early, unknown] = await Promise.all([undelete('pump'), undelete('pmup')]);
      expect(early).toMatchObject({ status: 1, stdout: '' });
      expect(early.stderr).toContain('the node of link "pump" is not deleted');
      expect(unknown).toMatchObject({ status: 2, stdout: '' });
      expect(unknown.stderr).toContain('did you mean pump?');

      const [{ parent } = { parent: '' }] = await client.nodes(`all.${nodeId}`);
      const watch = new Cli(['watch', 'pump', '-c', config]);
      await client.setEdge(siot.generation, nodeId, parent, [
        { type: 'tombstone', value: 1, time: now() },
      ]);
      await watch.said(/somebody deleted the node.*siot-mcu undelete pump/, 'stdout');
      await device.report({ type: 'temp', value: 21, time: now() });
      expect(await undelete('pump')).toMatchObject({
        status: 0,
        stdout: 'the node of pump lives again, below "boiler room"\n',
        stderr: '',
      });
      expect((await client.stored(nodeId, 'temp', '0', ({ number }) => number !== 20)).number).toBe(
        21,
      );
    });

    it('siot-mcu run: ends on SIGTERM with 0 within 5 s, with everything delivered', async () => {
      const { device, client, daemon, nodeId, config } = await station(siot);
      await device.report({ type: 'last', value: 42, time: now() });
      const from = performance.now();
      daemon.child.kill('SIGTERM');
      expect(await daemon.ended).toBe(0);
      expect(performance.now() - from).toBeLessThan(5_000 * SLOWNESS);
      expect(daemon.stderr).not.toMatch(/^\s+at /m);
      expect((await client.stored(nodeId, 'last')).number).toBe(42);
      expect((await client.stored(nodeId, 'connected')).number).toBe(0);

      // Nothing answers now, and no command hangs.
      const set = await runCli(['set', '-c', config, 'pump', 'setpoint', '1']);
      expect(set).toMatchObject({ status: 1, stdout: '' });
      expect(set.stderr).toContain('siot-mcu run');
      expect(daemon.stderr).not.toContain(siot.server.token);
    });

    it('siot-mcu run: SIGHUP applies a changed configuration', async () => {
      const { device, client, daemon, config, file } = await station(siot);
      const second = await openDevice('protobuf');
      const document = file.document as { links: object[] };
      const id = `second-${String(now())}`;
      writeConfig(file.folder, {
        ...document,
        links: [...document.links, { name: 'fan', transport: second.transport, node: { id } }],
      });
      daemon.child.kill('SIGHUP');
      await client.node(id);
      await isOpen(daemon, 'fan');
      await second.report({ type: 'speed', value: 3, time: now() });
      expect((await client.stored(id, 'speed')).number).toBe(3);
      // The first was not disturbed: no new opening, so no new time.
      const syncs = device.mcu.receivedPoints.filter(({ type }) => type === 'timeSync');
      expect(syncs.length).toBeLessThanOrEqual(2);
      expect((await runCli(['set', '-c', config, 'fan', 'speed', '4'])).status).toBe(0);
    });
  },
  ['0.18.5', '0.25.0'],
);
