/** `siot-mcu logs` of the built program: a device on a PTY, by the socket and over NATS. */
import { copyFileSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame, encodePacket } from '../../firmware-sim/index.js';
import { PANIC_DUMP } from '../../firmware-sim/panic.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { NatsClient } from '../e2e/nats-client.js';
import { Cli, runCli } from '../support/cli.js';
import { openPty } from '../support/pty.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const log = (text: string): Uint8Array =>
  encodeFrame(encodePacket({ sequence: 1, subject: 'log', payload: Buffer.from(text) }));

const HELLO = Buffer.from(
  encodeFrame(encodePacket({ sequence: 1, subject: '', payload: new Uint8Array() })),
);

const LINES = [
  '\u001b[0;32mI (312) main: up\u001b[0m',
  '[00:00:01.234,567] <wrn> pump: \u001b[31mslow',
  '<3>pump stalled',
];

/** A gateway's configuration, for a device that the test plays. */
function site(servers = 'nats://127.0.0.1:1') {
  const folder = tempDir();
  const file = join(folder, 'gateway.yaml');
  const pty = openPty();
  onTestFinished(() => pty.close());
  const configure = (link: object = {}): void => {
    const pump = { name: 'pump', transport: { type: 'serial', path: pty.path }, ...link };
    writeFileSync(file, JSON.stringify({ nats: { servers }, links: [pump] }));
  };
  configure();
  const logs = (...options: string[]) => runCli(['logs', 'pump', '-c', file, ...options]);
  return { folder, file, pty, configure, logs };
}

const parsed = (stdout: string): object[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);

describe('logs', () => {
  it(
    'shows what the device has said, and says; also after a restart of the gateway',
    { timeout: 90_000 },
    async () => {
      const { file, pty, logs } = site();
      const daemon = new Cli(['run', '-c', file]);
      await daemon.said(/port is open/);
      const followed = new Cli(['logs', 'pump', '-f', '--json', '-c', file]);
      for (const line of LINES) await pty.write(log(line));
      await pty.write(Buffer.from('rst:0x7 (TG0WDT_SYS_RESET),boot:0x13\r\n'));
      await followed.said(/rst:0x7/, 'stdout');
      const time = expect.stringMatching(/^\d{19}$/) as string;
      const all = [
        { time, level: 'info', text: 'I (312) main: up' },
        { time, level: 'warn', text: '[00:00:01.234,567] <wrn> pump: slow' },
        { time, level: 'error', text: '<3>pump stalled' },
        { time, level: null, text: 'rst:0x7 (TG0WDT_SYS_RESET),boot:0x13' },
      ];
      expect(parsed(followed.stdout)).toEqual(all);
      expect(parsed((await logs('--json')).stdout)).toEqual(all);

      const people = await logs('--level', 'warn', '--since', '10m');
      expect(people).toMatchObject({ status: 0, stderr: '' });
      const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`;
      expect(people.stdout).toMatch(
        new RegExp(`^${stamp} warn  .*pump: slow\n${stamp} error <3>pump stalled\n$`),
      );
      expect((await logs('--since', '1ms')).stdout).toBe('');

      daemon.child.kill('SIGTERM');
      expect(await daemon.ended).toBe(0);
      await followed.said(/waiting for/);
      const second = new Cli(['run', '-c', file]);
      await second.said(/port is open/);
      expect(parsed((await logs('--json')).stdout)).toEqual(all);
      await pty.write(log('after the restart'));
      await followed.said(/after the restart/, 'stdout');
      expect(parsed(followed.stdout)).toHaveLength(5);
      followed.child.kill('SIGINT');
      expect(await followed.ended).toBe(0);
    },
  );

  it(
    'goes on with -f when the link is configured otherwise, and when it is away for a while',
    { timeout: 60_000 },
    async () => {
      const { file, pty, configure } = site();
      let daemon = new Cli(['run', '-c', file]);
      await daemon.said(/port is open/);
      const followed = new Cli(['logs', 'pump', '-f', '-c', file]);
      await pty.write(log('before'));
      await followed.said(/before/, 'stdout');
      configure({ ackTimeoutMs: 3_000 });
      daemon.child.kill('SIGHUP');
      await daemon.said(/the configuration is applied/);
      await daemon.said(/port is open[^]*port is open/);
      await pty.write(log('after the reload'));
      await followed.said(/after the reload/, 'stdout');
      expect(followed.stderr).toBe('');

      // As between its start and that of its links, the gateway has no such link.
      configure({ name: 'valve' });
      daemon.child.kill('SIGTERM');
      await daemon.ended;
      daemon = new Cli(['run', '-c', file]);
      await followed.said(/waiting for the gateway: there is no link "pump"/);
      configure();
      daemon.child.kill('SIGHUP');
      await daemon.said(/the configuration is applied/);
      await daemon.said(/port is open[^]*port is open/);
      await pty.write(log('back again'));
      await followed.said(/back again/, 'stdout');
      followed.child.kill('SIGINT');
      expect(await followed.ended).toBe(0);
    },
  );

  it(
    'reaches a gateway over NATS where there is no socket, also with -f',
    { timeout: 60_000 },
    async () => {
      const nats = await NatsServer.start();
      onTestFinished(() => nats.stop());
      const here = site(nats.url);
      const daemon = new Cli(['run', '-c', here.file]);
      await daemon.said(/connected to NATS/);
      await daemon.said(/port is open/);
      await here.pty.write(log(LINES[2] ?? ''));
      await until(async () => (await here.logs()).stdout.includes('stalled'), 'the line');
      const there = site(nats.url);
      mkdirSync(join(there.folder, 'state'));
      const id = join('state', 'gateway.json');
      copyFileSync(join(here.folder, id), join(there.folder, id));
      const far = await there.logs('--json');
      expect(far).toMatchObject({
        status: 0,
        stderr: expect.stringContaining('asked over NATS') as string,
      });
      expect(parsed(far.stdout)).toMatchObject([{ text: '<3>pump stalled' }]);
      // It crashes, and starts again.
      const client = await NatsClient.connect(nats.url);
      onTestFinished(() => client.close());
      await client.listen(['p.>']);
      await here.pty.write(Buffer.concat([Buffer.from(PANIC_DUMP), HELLO]));
      const isRestart = ({ subject }: { subject: string }): boolean =>
        subject.includes('.gatewayRestart.');
      const point = await until(() => client.seen.find(isRestart), 'the point');
      const said = Buffer.from(point.data).toString();
      expect(said).toMatch(
        /it said hello \(an empty packet\).*, after a panic \(Guru Meditation Error: Core {2}0 panic'ed .*\); restarts\/pump\/\S+-hello\.txt/,
      );
      const listed = await there.logs('--restarts', '--json');
      const [restart] = parsed(listed.stdout) as { time: string; why: string; path: string }[];
      expect(restart).toMatchObject({ why: expect.stringContaining('hello') as string });
      const kept = readFileSync(restart?.path ?? '', 'utf8');
      expect(
        kept.match(/^\S+Z error (Guru|Core|PC|A2|EXCVADDR|Backtrace|Rebooting)/gm),
      ).toHaveLength(7);
      expect(kept).toMatch(/Packets before it: [^]* up .*sequence 1/);
      expect((await here.logs('--restarts')).stdout).toContain(`\n    ${restart?.path ?? ''}\n`);

      const followed = new Cli(['logs', 'pump', '-f', '-c', there.file]);
      await followed.said(/stalled/, 'stdout');
      await here.pty.write(log('and goes on'));
      await followed.said(/and goes on/, 'stdout');
    },
  );

  it(
    'says what is wrong: no gateway, no such link, a time or level that is none',
    { timeout: 60_000 },
    async () => {
      const { file, logs } = site();
      expect(await logs()).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('gateway') as string,
      });
      const daemon = new Cli(['run', '-c', file]);
      await daemon.said(/runs with 1 link/);
      expect(await runCli(['logs', 'pumpe', '-c', file])).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/no link "pumpe".*pump/) as string,
      });
      expect(await logs('--since', 'soon')).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('10m') as string,
      });
      expect(await logs('--level', 'loud')).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('warn') as string,
      });
      unlinkSync(join(file, '..', 'state', 'gateway.sock'));
      expect((await logs()).status).toBe(1);
    },
  );
});
