import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Crossing } from '../../src/cli/demo-view.js';
import { Cli, runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';

const DEMO = resolve('dist/src/cli/demo.js');

/** The demo with a mark in its environment, which everything that it starts inherits. */
class Demo extends Cli {
  readonly folder: string;
  readonly mark: string;

  constructor(...args: string[]) {
    const folder = tempDir();
    const id = randomUUID();
    super(args, { program: DEMO, env: { SIOT_DEMO_TEST: id, TMPDIR: folder } });
    this.folder = folder;
    this.mark = `SIOT_DEMO_TEST=${id}`;
  }

  /** Processes of this demo that are alive. */
  leftBehind(): string[] {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(this.mark);
      } catch {
        return false;
      }
    });
  }
}

const lines = (text: string): Crossing[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Crossing);

describe('npm run demo', () => {
  it.each(['protobuf', 'compact'])(
    'brings points up and settings down (%s), and ends with 0',
    async (protocol) => {
      const demo = new Demo('--seconds', '5', '--json', '--protocol', protocol);
      expect(await demo.ended, demo.stderr).toBe(0);
      const crossed = lines(demo.stdout);
      const up = crossed.filter(({ direction }) => direction === 'up');
      const down = crossed.filter(({ direction }) => direction === 'down');
      expect(up.map(({ type }) => type)).toEqual(expect.arrayContaining(['flow', 'pressure']));
      expect(down[0]).toMatchObject({ link: 'pump', type: 'setpoint', key: '0' });
      expect(down[0]?.time).toMatch(/^\d{19}$/);
      // The device says itself that the setting is in force.
      expect(up).toContainEqual(
        expect.objectContaining({ type: 'setpoint', value: down[0]?.value }) as Crossing,
      );
      expect(demo.leftBehind()).toEqual([]);
      expect(readdirSync(demo.folder)).toEqual([]);
    },
  );

  it('ends with 1 when there was no time for points to go both ways', async () => {
    const demo = new Demo('--seconds', '0.5');
    expect(await demo.ended).toBe(1);
    expect(demo.stderr).toBe('demo: points did not go both ways in that time\n');
  });

  it('prints plain lines into a pipe, serves the commands that it names, and ends with what to try next', async () => {
    const demo = new Demo();
    await demo.said(/▼ setpoint = 4.25 published[^]*acknowledged within/, 'stdout');
    expect(demo.stdout).toMatch(/▲ flow +1\d\d\.\d+ +\d\.\d s +\d\.\d\/s/);
    expect(demo.stdout).not.toContain('\x1b');
    // The commands that it names are those of its own gateway.
    const [, file = ''] = /siot-mcu -- status -c (\S+)$/m.exec(demo.stdout) ?? [];
    expect(demo.stdout).toContain(`siot-mcu -- watch pump --raw -c ${file}\n`);
    const watch = new Cli(['watch', 'pump', '-c', file]);
    await watch.said(/pump ▲ flow = 1\d\d\.\d+( \S+)?$/m, 'stdout');
    const status = await runCli(['status', '-c', file]);
    expect([status.status, status.stderr]).toEqual([0, '']);
    expect(status.stdout).toMatch(/^pump +talks .*\n\n1 link: 1 talks$/m);
    const raw = new Cli(['watch', 'pump', '--raw', '-c', file]);
    await raw.said(/▲ points +seq \d+ .* flow = 1\d\d/, 'stdout');
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(0);
    expect(demo.stderr).toMatch(/siot-mcu -- status [^]*siot-mcu -- watch LINK --raw /);
    expect(demo.leftBehind()).toEqual([]);
    expect(readdirSync(demo.folder)).toEqual([]);
  });

  it('leaves nothing running when it is killed', async () => {
    const demo = new Demo('--json');
    await demo.said(/"direction":"up"/, 'stdout');
    expect(demo.leftBehind().length).toBeGreaterThan(1);
    demo.child.kill('SIGKILL');
    await demo.ended;
    await expect.poll(() => demo.leftBehind(), { timeout: 10_000 }).toEqual([]);
  });

  it('ends when nobody reads its output any more', async () => {
    const demo = new Demo('--json');
    await demo.said(/"direction":"up"/, 'stdout');
    demo.child.stdout?.destroy();
    expect(await demo.ended).toBe(0);
    expect(demo.leftBehind()).toEqual([]);
  });

  it.each([['--seconds', 'soon'], ['--protocol', 'xml'], ['--loud']])(
    'refuses %s',
    async (...args) => {
      const demo = new Demo(...args);
      expect(await demo.ended).toBe(2);
      expect(demo.stderr).toMatch(/^error: .*\n/);
      expect(demo.stderr).not.toContain('    at ');
    },
  );
});
