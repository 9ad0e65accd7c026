import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tempDir } from '../support/temp-dir.js';
import { guestEnvironment, jobScript, outcomeOf, runMachine } from './modules.js';

describe('the job', () => {
  it('gets its arguments and its environment unchanged', () => {
    const odd = `it's "$HOME" \`x\` \\ ä\n2`;
    const script = jobScript({
      folder: '/tmp',
      command: ['printf', '%s|%s|%s', odd, '', '$(id)'],
      env: { ODD: odd },
    });
    const { stdout } = spawnSync('sh', { input: script, encoding: 'utf8' });
    expect(stdout).toBe(`${odd}||$(id)`);
    const echo = jobScript({
      folder: '/',
      command: ['sh', '-c', 'pwd; echo "$ODD"'],
      env: { ODD: odd },
    });
    expect(spawnSync('sh', { input: echo, encoding: 'utf8' }).stdout).toBe(`/\n${odd}\n`);
  });

  it('gets only the variables that concern it', () => {
    const env = { SIOT_BIN: '/opt/siot', LANG: 'C.UTF-8', SECRET: 'x', CI: 'true', PATH: '/x' };
    expect(guestEnvironment({ env, path: '/bin', colors: false })).toEqual({
      SIOT_BIN: '/opt/siot',
      LANG: 'C.UTF-8',
      CI: 'true',
      PATH: '/bin',
      NO_COLOR: '1',
    });
  });
});

describe('how the machine has ended', () => {
  let exchange: string;
  beforeEach(() => {
    exchange = tempDir();
  });
  const write = (name: string, text: string) => writeFileSync(join(exchange, name), text);

  it('is the status of its job, whatever happened afterwards', () => {
    write('status', '7\n');
    const ended = { kind: 'ended', status: 7 };
    expect(outcomeOf({ exchange, qemuStatus: 0 })).toEqual(ended);
    expect(outcomeOf({ exchange, qemuStatus: 137, late: 'too late' })).toEqual(ended);
  });

  it.each(['', '1', 'x\n', '-1\n'])('is not read from a half-written file: %j', (text) => {
    write('status', text);
    expect(outcomeOf({ exchange, qemuStatus: 0 }).kind).toBe('lost');
  });

  it('may be that somebody has stopped it, or that it took too long', () => {
    expect(outcomeOf({ exchange, qemuStatus: 0, stopped: 130 })).toEqual({
      kind: 'stopped',
      status: 130,
    });
    expect(outcomeOf({ exchange, qemuStatus: 0, late: 'too late' }).reason).toBe('too late');
  });

  it('may be a loss, whose reason says whether the guest did not start, died, or QEMU failed', () => {
    expect(outcomeOf({ exchange, qemuStatus: 1 }).reason).toMatch(/QEMU has failed .*status 1/);
    expect(outcomeOf({ exchange, qemuStatus: 0 }).reason).toBe('the guest has not come up');
    write('started', '');
    expect(outcomeOf({ exchange, qemuStatus: 0 }).reason).toBe(
      'the guest has ended before its job',
    );
  });
});

describe('a machine whose QEMU is a script', () => {
  let temp: string;
  let bin: string;
  beforeEach(() => {
    bin = tempDir();
    temp = tempDir();
    vi.stubEnv('TMPDIR', temp);
  });
  afterEach(() => vi.unstubAllEnvs());

  /** The script finds the folder that is shared with the host in $exchange. */
  async function run(script: string, limitMs?: number) {
    const find = 'exchange=$(ls -d "$TMPDIR"/siot-mcu-lab-*)';
    writeFileSync(join(bin, 'qemu-system-x86_64'), `#!/bin/sh\n${find}\n${script}\n`, {
      mode: 0o755,
    });
    vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
    let files: string[] = [];
    const outcome = await runMachine({
      entry: '/nowhere/linux-image-6.1.0-1-amd64_6.1.1-1_0123456789ab',
      job: { folder: '/', command: ['true'], env: {} },
      shell: false,
      processor: 'emulated',
      ...(limitMs === undefined ? {} : { limitMs }),
      collect: (exchange) => {
        files = readdirSync(exchange).sort();
      },
    });
    // Nothing is left.
    expect(readdirSync(temp)).toEqual([]);
    return { ...outcome, files };
  }

  it('has its status, its log and its files', async () => {
    const outcome = await run(
      'cd "$exchange"; : >started; echo panic >kernel.log; : >report.json; echo 3 >status',
    );
    expect(outcome).toMatchObject({ kind: 'ended', status: 3, log: 'panic\n' });
    expect(outcome.files).toEqual([
      'job',
      'kernel.log',
      'report.json',
      'start.sh',
      'started',
      'status',
    ]);
  });

  it('is ended when it hangs, and that is a loss', async () => {
    const outcome = await run(': >"$exchange/started"; exec sleep 60', 300);
    expect(outcome).toMatchObject({
      kind: 'lost',
      reason: expect.stringMatching(/within 0.005 min/) as string,
    });
  });

  it('is a loss when the kernel panics', async () => {
    const outcome = await run(
      ': >"$exchange/started"; echo "Kernel panic" >"$exchange/kernel.log"',
    );
    expect(outcome).toMatchObject({
      kind: 'lost',
      reason: 'the guest has ended before its job',
      log: 'Kernel panic\n',
    });
  });
});
