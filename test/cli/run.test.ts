import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cli, runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';
import { SLOWNESS } from '../support/slowness.js';

/** A configuration that can be changed while the gateway runs. */
class Site {
  readonly folder = tempDir();
  readonly file = join(this.folder, 'gateway.yaml');

  constructor(text: string) {
    this.write(text);
  }

  write(text: string): void {
    writeFileSync(this.file, text);
  }

  run(...args: string[]): Cli {
    return new Cli(['run', '-c', this.file, ...args]);
  }
}

const EMBEDDED = 'nats: { embedded: true }\n';
// Nothing listens on the discard port of loopback.
const NO_NATS = 'nats: { servers: "nats://127.0.0.1:9" }\n';
const NO_LINKS = 'links: []\n';
const oneLink = (name: string): string =>
  `links: [{ name: ${name}, transport: { type: serial, path: ./pty } }]\n`;

describe('siot-mcu run', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 within 5 s after %s', async (signal) => {
    const daemon = new Site(EMBEDDED + oneLink('pump')).run();
    await daemon.said(/connected to NATS/);
    const before = performance.now();
    daemon.child.kill(signal);
    expect(await daemon.ended).toBe(0);
    expect(performance.now() - before).toBeLessThan(5_000 * SLOWNESS);
    expect(daemon.stdout).toBe('');
  });

  it('ends in the same way without NATS', async () => {
    const daemon = new Site(NO_NATS + oneLink('pump')).run();
    await daemon.said(/nothing listens at/);
    const before = performance.now();
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect(performance.now() - before).toBeLessThan(5_000 * SLOWNESS);
  });

  it('ends in the same way when the disk does not answer', async () => {
    const site = new Site(
      `${NO_NATS}links: [{ name: pump, node: { id: n }, transport: { type: serial, path: ./pty } }]\n`,
    );
    // Whoever opens it to write waits until somebody reads.
    const links = join(site.folder, 'state', 'links');
    mkdirSync(links, { recursive: true });
    execFileSync('mkfifo', [join(links, 'n.state.new')]);
    const daemon = site.run();
    await daemon.said(/runs with 1 link/);
    const before = performance.now();
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect(performance.now() - before).toBeLessThan(5_000 * SLOWNESS);
    expect(daemon.stderr).toContain('stateDir does not answer');
  });

  it('logs JSON in a pipe, and lines for people when asked', async () => {
    const site = new Site(NO_NATS + oneLink('pump'));
    const machine = site.run();
    await machine.said(/nothing listens at/);
    machine.child.kill('SIGTERM');
    await machine.ended;
    for (const line of machine.stderr.trimEnd().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({
        level: expect.stringMatching(/^(info|warn|error)$/) as string,
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        msg: expect.any(String) as string,
      });
    }
    const human = site.run('--log-format', 'text');
    await human.said(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warn {2}.*nothing listens at/m);
    expect(human.stderr).not.toContain('{"');
  });

  it('applies a changed configuration on SIGHUP, and keeps the old one when the new is wrong', async () => {
    const site = new Site(EMBEDDED + oneLink('pump'));
    const daemon = site.run('--log-format', 'text');
    await daemon.said(/runs with 1 link/);

    site.write(`${EMBEDDED}links: [{ nam: x }]\n`);
    daemon.child.kill('SIGHUP');
    await daemon.said(/the one before stays in force/);
    expect(daemon.stderr).toContain(
      `${site.file}:2:11: links[0].nam: unknown key; did you mean name?`,
    );
    expect(daemon.stderr).not.toContain('the configuration is applied');

    // The same file again: its only link has another name now.
    site.write(EMBEDDED + oneLink('valve'));
    daemon.child.kill('SIGHUP');
    await daemon.said(/the configuration is applied/);
    expect(await status(site)).toContain('valve');
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('ends with 1 and a line when stateDir cannot be made', async () => {
    const site = new Site(NO_LINKS);
    chmodSync(site.folder, 0o555);
    // Root may write everywhere.
    const nobody = process.getuid?.() === 0 ? { uid: 65534 } : {};
    const args = ['run', '-c', site.file, '--log-format', 'text'];
    const { status, stderr } = await runCli(args, nobody);
    expect(stderr).toMatch(/ error stateDir .*\/state cannot be made: not permitted; give /);
    expect(status).toBe(1);
    chmodSync(site.folder, 0o755);
  });

  it('refuses a stateDir that another gateway uses, and takes it once that gateway was killed', async () => {
    const site = new Site(NO_NATS + NO_LINKS);
    const first = site.run('--log-format', 'text');
    await first.said(/runs with 0 link/);
    const second = site.run('--log-format', 'text');
    expect(await second.ended).toBe(1);
    expect(second.stderr).toMatch(
      / error stateDir .* is in use by another gateway, the process \d+/,
    );
    first.child.kill('SIGKILL');
    await first.ended;
    const third = site.run('--log-format', 'text');
    await third.said(/runs with 0 link/);
  });

  it('ends with 1 and a line when its identity is broken', async () => {
    const site = new Site(NO_LINKS);
    mkdirSync(join(site.folder, 'state'));
    writeFileSync(join(site.folder, 'state', 'gateway.json'), '{');
    const daemon = site.run();
    expect(await daemon.ended).toBe(1);
    expect(daemon.stderr).toMatch(/gateway\.json is broken: it holds the gateway's identity/);
  });
});

/** The first that `watch` says. */
async function status(site: Site): Promise<string> {
  const watch = new Cli(['watch', '-c', site.file]);
  await watch.said(/port /, 'stdout');
  watch.child.kill('SIGTERM');
  expect(await watch.ended).toBe(0);
  return watch.stdout;
}

describe('watch and set', () => {
  it('show points of the device, change its settings, and report the outcome', async () => {
    const site = new Site(EMBEDDED + oneLink('pump'));
    const device = new Cli(['sim', '--pty', join(site.folder, 'pty'), '--seed', '1']);
    await device.said(/pty/, 'stdout');
    const daemon = site.run('--log-format', 'text');
    await daemon.said(/connected to NATS/);

    const watch = new Cli(['watch', 'pump', '--json', '-c', site.file]);
    await watch.said(/"direction":"up","link":"pump","type":"flow"/, 'stdout');
    const set = await runCli(['set', 'pump', 'setpoint', '5.5', '-c', site.file]);
    expect(set).toMatchObject({
      status: 0,
      stdout: 'setpoint is acknowledged by pump, which reports 5.5\n',
    });
    await watch.said(
      /"direction":"down","link":"pump","type":"setpoint","key":"0","value":5.5/,
      'stdout',
    );
    await device.said(/setting setpoint = 5.5/);
    for (const line of watch.stdout.trimEnd().split('\n'))
      expect(JSON.parse(line)).toBeTypeOf('object');

    const unknown = await runCli(['set', 'pmp', 'setpoint', '1', '-c', site.file]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain('the gateway has no link "pmp"; did you mean pump?');
    const reserved = await runCli(['set', 'pump', 'connected', '1', '-c', site.file]);
    expect(reserved.status).toBe(2);
    expect(reserved.stderr).toContain('connected is refused: ');
    const noLink = await runCli(['watch', 'pmp', '-c', site.file]);
    expect(noLink).toMatchObject({ status: 2, stdout: '' });

    device.child.kill('SIGTERM');
    expect(await device.ended).toBe(0);
    const args = ['set', 'pump', 'setpoint', '3', '--timeout', '1.5', '-c', site.file];
    const late = await runCli(args);
    expect(late).toMatchObject({ status: 1, stdout: '' });
    expect(late.stderr).toMatch(/setpoint is pending: not acknowledged within 1\.5 s: \S/);
    await watch.said(
      /"kind":"pending","link":"pump","type":"setpoint".*"value":3,.*"reason":"[^"]/,
      'stdout',
    );

    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
    const gone = await runCli(['watch', '-c', site.file]);
    expect(gone.status).toBe(1);
    expect(gone.stderr).toMatch(
      /^siot-mcu: .* knows no private nats-server: start `siot-mcu run`.*\n$/,
    );
  }, 60_000);
});
