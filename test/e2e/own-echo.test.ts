/** docs/contract.md, "Own echo": TX joined to RX, and an adapter for RS-485 that hears itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Cli, runCli } from '../support/cli.js';
import { SLOWNESS } from '../support/slowness.js';
import { tempDir } from '../support/temp-dir.js';
import {
  atEnd,
  leavesNothingBehind,
  now,
  withEachSiot,
  type SiotUnderTest,
  gatewayOf,
} from './harness.js';
import { decodePoints } from './points.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const untilEnded = (program: Cli): void =>
  atEnd(async () => {
    program.child.kill('SIGKILL');
    await program.ended;
  });

/** `siot-mcu sim` with these faults, `siot-mcu run` with its port, and SIOT. */
async function station(siot: SiotUnderTest, faults: string, link: object, sim: string[] = []) {
  const client = await siot.client();
  await client.listen();
  const nodeId = `node-${String(now())}`;
  const port = join(tempDir(), 'port');
  const transport = { type: 'serial', path: port };
  const links = [{ name: 'pump', node: { id: nodeId }, commands: ['restart'], transport, ...link }];
  const { folder, document } = gatewayOf({
    url: siot.server.url,
    token: siot.server.token,
    links,
  });
  const device = new Cli(['sim', '--pty', port, '--seed', '5', '--faults', faults, ...sim]);
  untilEnded(device);
  await device.said(/port/, 'stdout');
  const config = join(folder, 'gateway.yaml');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(document));
  const daemon = new Cli(['run', '-c', config, '--log-format', 'json']);
  untilEnded(daemon);
  await daemon.said(/"the line echoes/);
  await client.node(nodeId);
  const values = (type: string): number[] =>
    client.seen
      .filter(({ subject }) => subject.startsWith(`p.${nodeId}.${type}.`))
      .flatMap(({ data }) => decodePoints(siot.generation, data))
      .filter(({ origin }) => origin === '')
      .map(({ number }) => number);
  const set = (...args: string[]) => runCli(['set', '-c', config, 'pump', ...args]);
  return { daemon, values, set, config };
}

withEachSiot(
  (siot) => {
    it.each(['protobuf', 'compact', 'auto'] as const)(
      'a line with nothing but an echo, protocol %s, is no device, whatever is set',
      async (protocol) => {
        // The device behind the adapter is off.
        const off = 'echo,silent=1ms/24h';
        const { daemon, values, set, config } = await station(siot, off, { protocol });
        const setting = await set('setpoint', '0', '--timeout', '5');
        expect(setting).toMatchObject({ status: 1, stdout: '' });
        expect(setting.stderr).toContain('pending');
        const command = await set('restart', '1', '--timeout', '1');
        expect(command).toMatchObject({ status: 1, stdout: '' });
        expect(values('connected')).not.toContain(1);
        for (const type of ['timeSync', 'setpoint', 'restart']) expect(values(type)).toEqual([]);
        expect(daemon.stderr.match(/the line echoes/g)).toHaveLength(1);
        expect(daemon.stderr).not.toMatch(/speaks this codec|acknowledges points/);

        const watch = new Cli(['watch', '-c', config, '--json']);
        const [line] = await watch.said(/^.*"kind":"link".*$/m, 'stdout');
        expect(JSON.parse(line)).toMatchObject({
          connected: false,
          echoes: true,
          acknowledges: 'unknown',
          codec: protocol === 'auto' ? 'unknown' : protocol,
        });
        expect(line).toContain('the line echoes');
        await until(
          () => values('gatewayCount').length > 0,
          () => 'the counters of the link',
        );
      },
      60_000 * SLOWNESS,
    );

    it('a device on such a line is served', async () => {
      const sim = ['--protocol', 'compact'];
      const { values, set } = await station(siot, 'echo', { protocol: 'auto' }, sim);
      expect(await set('setpoint', '2', '--timeout', String(30 * SLOWNESS))).toMatchObject({
        status: 0,
      });
      await until(
        () => values('setpoint').at(-1) === 2 && values('flow').length > 0,
        () => `its reports: ${JSON.stringify({ s: values('setpoint'), f: values('flow') })}`,
      );
      expect(values('connected')).toContain(1);
      expect(values('timeSync')).toEqual([]);
    });
  },
  ['0.25.0'],
);
