import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { StateError } from '../../../src/gateway/state/state-dir.js';
import { StateLock } from '../../../src/gateway/state/state-lock.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { loadLibc } from '../../../src/linux/libc.js';
import { tempDir } from '../../support/temp-dir.js';

const take = (folder: string): Promise<StateLock> => StateLock.take(folder, SILENT_LOG);
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
const startOf = (pid: number): string => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
};

async function sleeper(): Promise<{ pid: number; end: () => Promise<unknown> }> {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const ended = once(child, 'close');
  const end = (): Promise<unknown> => {
    child.kill('SIGKILL');
    return ended;
  };
  onTestFinished(async () => {
    await end();
  });
  return { pid: child.pid!, end };
}

it('a lock refuses a folder that a living process uses, and names that process', async () => {
  const folder = tempDir();
  const other = await sleeper();
  const file = join(folder, `running-${other.pid}-${startOf(other.pid)}-${boot}`);
  writeFileSync(file, '');
  await expect(take(folder)).rejects.toThrow(StateError);
  await expect(take(folder)).rejects.toThrow(
    `is in use by another gateway, the process ${other.pid}: stop that one`,
  );
  await other.end();
  const lock = await take(folder);
  expect(readdirSync(folder)).not.toContain(file);
  await lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

it('a lock is not blocked by a process that has ended and has not been reaped', async () => {
  const folder = tempDir();
  // The shell becomes `sleep`, whose child nobody reaps.
  const child = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(text.toString());
  const start = startOf(pid);
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const left = `running-${pid}-${start}-${boot}`;
  writeFileSync(join(folder, left), '');
  const lock = await take(folder);
  expect(readdirSync(folder)).toEqual([expect.not.stringContaining(left)]);
  await lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ['another process with its number', `1-1-${boot}`],
  [
    'one of before the machine was started again',
    `${process.pid}-${startOf(process.pid)}-0badf00d`,
  ],
])('a lock is not blocked by %s', async (_what, who) => {
  const folder = tempDir();
  writeFileSync(join(folder, `running-${who}`), '');
  const lock = await take(folder);
  expect(readdirSync(folder)).toEqual([
    `running-${readlinkSync('/proc/self')}-${startOf(process.pid)}-${boot}`,
  ]);
  await lock.release();
});

it('a lock refuses its folder to the same process as well, until it is released', async () => {
  const folder = tempDir();
  const lock = await take(folder);
  await expect(take(join(folder, '.'))).rejects.toThrow(
    'is in use by another gateway, this process',
  );
  await lock.release();
  await (await take(folder)).release();
});

it('a lock refuses a folder that a process of another container uses, and leaves that one’s file alone', async (context) => {
  context.skip(loadLibc() === undefined, 'koffi is not installed');
  const folder = tempDir();
  // Its number says nothing here: there is none, or it is somebody else's.
  const name = `running-7-7-${boot}`;
  writeFileSync(join(folder, name), '');
  // util-linux's flock, which holds what it locks until it is killed, stands for that gateway.
  const other = spawn('flock', [folder, 'sh', '-c', 'echo locked; exec sleep 60'], {
    detached: true,
  });
  const ended = once(other, 'close');
  const end = (): void => void process.kill(-other.pid!, 'SIGKILL');
  onTestFinished(() => {
    if (other.exitCode === null && other.signalCode === null) end();
  });
  await once(other.stdout, 'data');
  await expect(take(folder)).rejects.toThrow(
    'is in use by another gateway, which cannot be seen from here (in another container?): stop that one',
  );
  expect(readdirSync(folder)).toEqual([name]);
  end();
  await ended;
  const lock = await take(folder);
  expect(readdirSync(folder)).not.toContain(name);
  await lock.release();
});

it.skipIf(loadLibc() === undefined)(
  'the lock of a runtimeDir is not blocked by somebody who may read it (skipped without koffi)',
  async () => {
    const folder = tempDir();
    const reader = await open(folder, 'r');
    onTestFinished(() => reader.close());
    expect(loadLibc()?.tryLock(reader.fd)).toBe(true);
    await expect(take(folder)).rejects.toThrow(StateError);
    await (await StateLock.take(folder, SILENT_LOG, 'runtimeDir')).release();
  },
);
