import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedNats } from '../../src/gateway/embedded-nats.js';
import { StateDir } from '../../src/gateway/state-dir.js';
import { FakeClock } from '../support/fake-clock.js';
import { connectTo } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { complaints, recordingLog, until, type Said } from './support.js';

function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number),
  );
}

async function rig() {
  const before = children();
  const servers = (): number[] => children().filter((pid) => !before.includes(pid));
  const clock = new FakeClock();
  const said: Said[] = [];
  const path = join(tempDir(), 'state');
  const nats = await EmbeddedNats.start(
    new StateDir(path, recordingLog(said)),
    clock,
    recordingLog(said),
  );
  onTestFinished(() => nats.stop());
  const kill = async (): Promise<void> => {
    for (const pid of servers()) process.kill(pid, 'SIGKILL');
    await until(() => complaints(said).length > 0, 'the end to be noticed');
  };
  return { clock, said, path, nats, servers, kill };
}

const answers = async (url: string): Promise<boolean> => {
  try {
    const client = await connectTo(url);
    await client.close();
    return true;
  } catch {
    return false;
  }
};

describe('the private nats-server', () => {
  it('listens on loopback, and its address is kept for the other commands', async () => {
    const { nats, path } = await rig();
    expect(nats.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(JSON.parse(readFileSync(join(path, 'nats.json'), 'utf8'))).toEqual({ url: nats.url });
    expect(await answers(nats.url)).toBe(true);
  });

  it('is started again on the same port when it ends by itself', async () => {
    const { nats, clock, said, kill } = await rig();
    const { url } = nats;
    await kill();
    expect(complaints(said)).toEqual(['the private nats-server has ended; starting it again']);
    expect(await answers(url)).toBe(false);
    clock.advance(1_000);
    await until(() => said.at(-1)?.message === 'private nats-server is running again', 'it');
    expect(nats.url).toBe(url);
    expect(await answers(url)).toBe(true);
    await nats.stop();
    expect(complaints(said)).toHaveLength(1);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const { nats, clock, servers } = await rig();
    await nats.stop();
    expect(servers()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    expect(await answers(nats.url)).toBe(false);
  });

  it('nor when that happens while it waits for its restart', async () => {
    const { nats, clock, servers, kill } = await rig();
    await kill();
    await nats.stop();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(5_000);
    expect(servers()).toEqual([]);
  });

  it('nor when that happens while it restarts', async () => {
    const { nats, clock, servers, kill } = await rig();
    await kill();
    clock.advance(1_000);
    expect(servers()).toHaveLength(1);
    await nats.stop();
    expect(servers()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
