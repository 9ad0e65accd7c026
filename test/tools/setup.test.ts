import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempDir } from '../support/temp-dir.js';

const SETUP = resolve('tools/setup.mjs');
const NATS = resolve('tools/get-nats-server.mjs');
const CHILDREN = resolve('tools/children.mjs');

/** Resolves when the process is gone. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    // A zombie whose parent does not look after it is gone as well.
    if (/^State:\sZ/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))) return;
    await new Promise((again) => setTimeout(again, 20));
  }
}

describe('setup.mjs', () => {
  it.each([
    ['nothing', []],
    ['something unknown', ['dmeo']],
  ])('asked for %s names the targets and ends with 2', (_what, args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SETUP, ...args], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('demo, test, lab, bench, fuzz, soak, siot-mcu, siot-store, build');
  });
});

describe('a missing nats-server', () => {
  /** Ends as the set-up would, on a machine with nothing but these programs. */
  function lookFor(options: object, programs: Readonly<Record<string, string>> = {}) {
    const folder = tempDir();
    for (const [name, script] of Object.entries({ sh: 'exec /bin/sh "$@"', ...programs })) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    const code = `import { getNatsServer } from ${JSON.stringify(NATS)};
      try {
        await getNatsServer({ folders: [], ...${JSON.stringify(options)} });
      } catch (error) {
        process.stderr.write(error.message);
        process.exitCode = error.status;
      }`;
    const args = ['--input-type=module', '-e', code];
    return spawnSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: folder, FOLDER: folder },
    });
  }

  it.each([
    ['macos', 'brew install nats-server'],
    ['arch', 'sudo pacman -S nats-server'],
    ['alpine', 'sudo apk add nats-server'],
    ['fedora', 'https://github.com/nats-io/nats-server/releases'],
    ['debian', 'sudo apt-get install nats-server'],
  ])('is named with the remedy on %s, and ends with 2', (name, remedy) => {
    const { status, stdout, stderr } = lookFor({ names: [name], uid: 1000 });
    expect(stderr).toContain(remedy);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('is not fetched where sudo asks for a password and nobody can answer', () => {
    const { status, stderr } = lookFor(
      { names: ['debian'], uid: 1000 },
      { 'apt-get': 'exit 9', sudo: 'exit 1' },
    );
    expect(stderr).toContain('sudo asks for a password; install it with: sudo apt-get install');
    expect(status).toBe(2);
  });

  it('is fetched through sudo where that is free, all output on stderr', () => {
    const { status, stdout, stderr } = lookFor(
      { names: ['ubuntu', 'debian'], uid: 1000 },
      // What would run as root is only looked at.
      {
        'apt-get': 'exit 9',
        sudo:
          '[ "$2" = true ] && exit 0\necho "$*"\n' +
          'printf "#!/bin/sh\\n" >"$FOLDER/nats-server"; /bin/chmod 755 "$FOLDER/nats-server"',
      },
    );
    expect(stderr).toMatch(/-n sh -c [^]*apt-get .*install -y --no-install-recommends nats-server/);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});

describe('a child of children.mjs', () => {
  /** A parent that runs a child, which says its process ID and waits. */
  function startParent(): {
    readonly parent: ReturnType<typeof spawn>;
    readonly pid: Promise<number>;
  } {
    const folder = tempDir();
    mkdirSync(folder, { recursive: true });
    const script = join(folder, 'parent.mjs');
    writeFileSync(
      script,
      `import { forwardSignals, runChild } from ${JSON.stringify(CHILDREN)};
      forwardSignals();
      const code = "process.on('SIGHUP', () => console.log('HUP'));" +
        "console.log(process.pid); setInterval(() => {}, 1e6);";
      process.exitCode = await runChild(process.execPath, ['-e', code], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const pid = new Promise<number>((known) => {
      parent.stdout.setEncoding('utf8').once('data', (text: string) => known(Number(text)));
    });
    return { parent, pid };
  }

  const ended = (parent: ReturnType<typeof spawn>): Promise<number | null> =>
    new Promise((done) => parent.once('exit', (status) => done(status)));

  it('ends when its parent is killed without a word', async () => {
    const { parent, pid } = startParent();
    const child = await pid;
    parent.kill('SIGKILL');
    await gone(child);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('gets %s from its parent, which passes the status on', async (signal, status) => {
    const { parent, pid } = startParent();
    const child = await pid;
    parent.kill(signal);
    expect(await ended(parent)).toBe(status);
    await gone(child);
  });

  it('gets SIGHUP and may live on', async () => {
    const { parent, pid } = startParent();
    await pid;
    const said = new Promise((heard) => parent.stdout?.once('data', heard));
    parent.kill('SIGHUP');
    expect(await said).toBe('HUP\n');
    expect(parent.exitCode).toBeNull();
    parent.kill('SIGTERM');
    expect(await ended(parent)).toBe(143);
  });
});
