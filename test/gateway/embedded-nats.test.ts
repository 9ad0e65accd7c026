import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedNats } from '../../src/gateway/embedded-nats.js';
import { RuntimeDir, type PrivateNats } from '../../src/gateway/state/runtime-dir.js';
import { PortInUseError } from '../../src/siot/connection/nats-server.js';
import { FakeClock } from '../support/fake-clock.js';
import { connectTo } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { complaints, recordingLog, type Said } from '../support/recording-log.js';
import { until } from '../support/until.js';

function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number),
  );
}

async function rig(port?: number, folderMode = 0o700) {
  const before = children();
  const servers = (): number[] => children().filter((pid) => !before.includes(pid));
  const clock = new FakeClock();
  const said: Said[] = [];
  const path = join(tempDir(), 'run');
  mkdirSync(path);
  chmodSync(path, folderMode);
  const log = recordingLog(said);
  const runtime = new RuntimeDir(path, join(path, '..', 'state'), log);
  const nats = await EmbeddedNats.start({ runtime, port, clock, log });
  onTestFinished(() => nats.stop());
  const kill = async (): Promise<void> => {
    for (const pid of servers()) process.kill(pid, 'SIGKILL');
    await until(() => complaints(said).length > 0, 'the end to be noticed');
  };
  const told = (): PrivateNats =>
    JSON.parse(readFileSync(join(path, 'nats.json'), 'utf8')) as PrivateNats;
  return { clock, said, path, nats, servers, kill, told };
}

const answers = async ({ url, token }: PrivateNats): Promise<boolean> => {
  try {
    const client = await connectTo(url, { token });
    await client.close();
    return true;
  } catch {
    return false;
  }
};

describe('the private nats-server', () => {
  it('listens on loopback, and its address is kept for the other commands', async () => {
    const { nats, told } = await rig();
    expect(nats.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(told().url).toBe(nats.url);
    expect(await answers(told())).toBe(true);
  });

  it('accepts nobody who does not know its token, which no log and no list of processes shows', async () => {
    const { nats, path, said, servers, told } = await rig();
    const { token } = told();
    expect(token).toMatch(/^[0-9a-f]{48}$/);
    await expect(connectTo(nats.url)).rejects.toThrow(/authorization violation/i);
    expect(await answers({ url: nats.url, token: 'x' })).toBe(false);
    const [pid] = servers();
    expect(readFileSync(`/proc/${String(pid)}/cmdline`, 'latin1')).toContain('nats-server.conf');
    for (const what of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${String(pid)}/${what}`, 'latin1')).not.toContain(token);
    }
    expect(JSON.stringify(said)).not.toContain(token);
    expect(readdirSync(path)).toEqual(['nats.json']);
  });

  it.each([
    [0o700, 0o600],
    [0o750, 0o640],
    [0o755, 0o640],
  ])('gives its token to those who may read the folder: %o', async (folder, file) => {
    const { path } = await rig(undefined, folder);
    expect(statSync(join(path, 'nats.json')).mode & 0o777).toBe(file);
  });

  it('uses the port that it is given, and says so when that is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    onTestFinished(() => void taken.close());
    await expect(rig(port)).rejects.toThrow(PortInUseError);
    await expect(rig(port)).rejects.toThrow(
      `port ${String(port)} is in use by another program: end that program, or give nats.embedded another port`,
    );
    taken.close();
    await once(taken, 'close');
    expect((await rig(port)).nats.port).toBe(port);
  });

  it('takes another port when another program has taken its own after its end, and the commands learn of it', async () => {
    const { nats, clock, said, kill, told } = await rig();
    const before = told();
    await kill();
    const taken = createServer().listen(nats.port, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    clock.advance(1_000);
    await until(() => said.at(-1)?.message === 'private nats-server is running again', 'it');
    expect(told().url).not.toBe(before.url);
    expect(nats.settings()).toMatchObject({ servers: [told().url] });
    expect(await answers(told())).toBe(true);
  });

  it('is started again on the same port when it ends by itself', async () => {
    const { nats, clock, said, kill, told } = await rig();
    const { url } = nats;
    const before = told();
    await kill();
    expect(complaints(said)).toEqual(['the private nats-server has ended; starting it again']);
    expect(await answers(before)).toBe(false);
    clock.advance(1_000);
    await until(() => said.at(-1)?.message === 'private nats-server is running again', 'it');
    expect(nats.url).toBe(url);
    expect(await answers(told())).toBe(true);
    // The old token is not valid any more: another program may have seen it on the port.
    expect(await answers(before)).toBe(false);
    await nats.stop();
    expect(complaints(said)).toHaveLength(1);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const { nats, clock, servers, told } = await rig();
    await nats.stop();
    expect(servers()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    expect(await answers(told())).toBe(false);
  });

  it('leaves nothing behind when it is stopped while it waits for its restart', async () => {
    const { nats, clock, servers, kill } = await rig();
    await kill();
    await nats.stop();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(5_000);
    expect(servers()).toEqual([]);
  });

  it('leaves nothing behind when it is stopped while it restarts', async () => {
    const { nats, clock, servers, kill } = await rig();
    await kill();
    clock.advance(1_000);
    await until(() => servers().length === 1, 'its start');
    await nats.stop();
    expect(servers()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
