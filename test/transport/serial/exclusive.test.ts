import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { SerialTransport } from '../../../src/transport/serial/serial.js';
import { SERIAL_DEFAULTS } from '../../../src/transport/serial/options.js';
import type { ByteChannel, TransportError } from '../../../src/transport/transport.js';
import { loadTtyIoctl } from '../../../src/linux/tty-ioctl.js';
import { openPty } from '../../support/pty.js';
import type { Pty } from '../../support/pty.js';
import { Recorder } from '../recorder.js';

const NOBODY = 65534;
const DIALOUT = 20;
const isRoot = process.geteuid?.() === 0;
const clock = new SystemClock();
const opened: { close(): Promise<void> }[] = [];

function pty(): Pty {
  const made = openPty();
  opened.unshift(made);
  return made;
}

async function open(path: string, ioctl = loadTtyIoctl) {
  const events = new Recorder();
  const transport = new SerialTransport({ ...SERIAL_DEFAULTS, path }, clock, { loadIoctl: ioctl });
  const channel: ByteChannel = await transport.open(events);
  opened.unshift(channel);
  // What is to be warned of comes in the turn after the opening.
  await new Promise((resolve) => setImmediate(resolve));
  return { channel, events };
}

async function refusal(path: string, ioctl = loadTtyIoctl): Promise<TransportError> {
  const outcome: unknown = await open(path, ioctl).catch((error: unknown) => error);
  expect(outcome).toMatchObject({ name: 'TransportError' });
  return outcome as TransportError;
}

interface Holder {
  readonly pid: number;
  /** Lets go of the port in order. */
  close(): Promise<void>;
  kill(): Promise<void>;
}

/** Another program with the port open. `uid`: as which user. */
async function hold(
  path: string,
  how: 'open' | 'exclusive' | 'lock',
  uid?: number,
): Promise<Holder> {
  const script = fileURLToPath(new URL('hold-port.mjs', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, path, how], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid }),
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error(`no program could hold ${path}`)));
  });
  const end = (act: () => void) => async (): Promise<void> => {
    act();
    await gone;
  };
  const holder = {
    pid: child.pid ?? 0,
    close: end(() => child.stdin?.end()),
    kill: end(() => void child.kill('SIGKILL')),
  };
  opened.unshift(holder);
  return holder;
}

/** As another user, who is not root. This process's saved identity stays, so that it can come back. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

function isExclusive(path: string): boolean | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    return loadTtyIoctl()?.isExclusive(fd);
  } finally {
    closeSync(fd);
  }
}

function settings(path: string): string {
  return execFileSync('stty', ['-F', path, '-g'], { encoding: 'utf8' });
}

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

describe('what is no port', () => {
  test('does not exist', async () => {
    const error = await refusal('/dev/ttyNone7');
    expect(error.reason).toBe('notFound');
    expect(error.message).toContain('/dev/ttyNone7');
    expect(error.message).toContain('plugged in');
  });

  test('a file, a folder, a device that is no tty, a link into nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ports-'));
    try {
      const file = join(folder, 'file');
      const link = join(folder, 'link');
      writeFileSync(file, '');
      symlinkSync(join(folder, 'nothing'), link);
      for (const path of [file, folder, '/dev/null']) {
        const error = await refusal(path);
        expect(error.reason).toBe('notATty');
        expect(error.message).toContain(path);
      }
      expect((await refusal(link)).reason).toBe('notFound');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(!isRoot)('not permitted (needs root, to become another user)', () => {
  test('names the group and how to get into it', async () => {
    const device = pty();
    chownSync(device.path, 0, DIALOUT);
    chmodSync(device.path, 0o660);
    const error = await asNobody(() => refusal(device.path));
    expect(error.reason).toBe('permission');
    expect(error.message).toContain('usermod -aG dialout nobody');
  });

  test('says so where the group would not help', async () => {
    const device = pty();
    chownSync(device.path, 0, DIALOUT);
    chmodSync(device.path, 0o600);
    const error = await asNobody(() => refusal(device.path));
    expect(error.reason).toBe('permission');
    expect(error.message).toContain('MODE="0660"');
    expect(error.message).not.toContain('usermod');
  });
});

describe.skipIf(loadTtyIoctl() === undefined)('taken (needs koffi)', () => {
  test.skipIf(!isRoot)('in exclusive mode: refused as root too, and its holder named', async () => {
    const device = pty();
    const holder = await hold(device.path, 'exclusive');
    const before = settings(device.path);
    const error = await refusal(device.path);
    expect(error.reason).toBe('busy');
    expect(error.message).toContain(`node hold-port.mjs (pid ${holder.pid})`);
    expect(settings(device.path)).toBe(before);
    expect(isExclusive(device.path)).toBe(true);
    await holder.close();
    // Its other side, which this test has open, keeps the flag. Nobody has the port.
    const { events } = await open(device.path);
    expect(events.warnings.join()).toContain('taken over');
  });

  test.skipIf(!isRoot)('in exclusive mode, and we are not root', async () => {
    const device = pty();
    chmodSync(device.path, 0o666);
    await hold(device.path, 'exclusive');
    const error = await asNobody(() => refusal(device.path));
    expect(error.reason).toBe('busy');
    expect(error.message).toContain('fuser');
  });

  test.skipIf(!isRoot)('in exclusive mode by a program of our own user, not root', async () => {
    const device = pty();
    chmodSync(device.path, 0o666);
    const holder = await hold(device.path, 'exclusive', NOBODY);
    const error = await asNobody(() => refusal(device.path));
    expect(error.reason).toBe('busy');
    expect(error.message).toContain(`(pid ${holder.pid})`);
  });

  test('merely open elsewhere: a warning that names it', async () => {
    const device = pty();
    const holder = await hold(device.path, 'open');
    const { channel, events } = await open(device.path);
    expect(events.warnings).toHaveLength(1);
    expect(events.warnings[0]).toContain(`node hold-port.mjs (pid ${holder.pid})`);
    channel.write(Buffer.from('x'));
    await device.waitFor(1);
  });

  test('nobody else has it: no warning', async () => {
    const { events } = await open(pty().path);
    expect(events.warnings).toEqual([]);
  });

  test.skipIf(!isRoot)('a flag that outlived its killed owner does not lock us out', async () => {
    const device = pty();
    const holder = await hold(device.path, 'exclusive');
    await holder.kill();
    expect(isExclusive(device.path)).toBe(true);
    const { channel, events } = await open(device.path);
    expect(events.warnings.join()).toContain('taken over');
    await channel.close();
    expect(isExclusive(device.path)).toBe(false);
  });

  test.skipIf(!isRoot)(
    'a flag while another process has the port open: refused, since nobody can tell whose flag it is',
    async () => {
      const device = pty();
      const bystander = await hold(device.path, 'open');
      const owner = await hold(device.path, 'exclusive');
      await owner.kill();
      const error = await refusal(device.path);
      expect(error.reason).toBe('busy');
      expect(error.message).toContain(`(pid ${bystander.pid})`);
      await bystander.close();
      await open(device.path);
    },
  );

  test('our own flag is set while open and cleared on closing, whoever else has it open', async () => {
    const device = pty();
    const holder = await hold(device.path, 'open');
    const { channel } = await open(device.path);
    if (isRoot) expect(isExclusive(device.path)).toBe(true);
    await channel.close();
    expect(isExclusive(device.path)).toBe(false);
    await holder.close();
  });

  test.skipIf(!isRoot)(
    'as another user than root: opens, moves bytes, keeps others out',
    async () => {
      const device = pty();
      chmodSync(device.path, 0o666);
      await asNobody(async () => {
        const { channel, events } = await open(device.path);
        expect(events.warnings).toEqual([]);
        device.pause();
        while (channel.write(Buffer.alloc(1000))); // a blocking write would never come back
        expect(channel.queued).toBeGreaterThan(0);
        device.resume();
        await events.until((e) => e.drains === 1);
        await device.write(Buffer.from('answer'));
        await events.until((e) => e.received.toString() === 'answer');
        expect((await refusal(device.path)).reason).toBe('busy');
        await channel.close();
        await (await open(device.path)).channel.close();
      });
    },
  );

  test('locked by another program (flock), as serialport and pyserial do', async () => {
    const device = pty();
    const holder = await hold(device.path, 'lock');
    const before = settings(device.path);
    const error = await refusal(device.path);
    expect(error.reason).toBe('busy');
    expect(error.message).toContain(`(pid ${holder.pid})`);
    expect(settings(device.path)).toBe(before);
  });
});

describe('two links on one port', () => {
  test('the second is refused with a clear message, with koffi or without', async () => {
    for (const ioctl of [loadTtyIoctl, () => undefined]) {
      const device = pty();
      const { channel } = await open(device.path, ioctl);
      const error = await refusal(device.path, ioctl);
      expect(error.reason).toBe('busy');
      if (isRoot || ioctl() === undefined) expect(error.message).toContain('another link');
      await channel.close();
      await (await open(device.path, ioctl)).channel.close();
    }
  });

  test('of two that open at the same time, one gets it', async () => {
    const device = pty();
    const outcomes = await Promise.allSettled([open(device.path), open(device.path)]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toMatchObject({ reason: 'busy' });
  });
});
