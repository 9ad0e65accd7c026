/** What tests can see of the store and do to it. */
import { describe, expect, it, afterEach } from 'vitest';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { FakeClock } from '../support/fake-clock.js';
import { connectTo, useNats } from '../support/nats.js';
import { VERSIONS, type Version } from './dialect.js';
import { runProgram } from './program.js';
import { SiotStore, type SiotStoreOptions } from './siot-store.js';

const nats = useNats();
const stores: SiotStore[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.stop()));
});

async function start(
  version: Version = '0.25.0',
  given: Partial<SiotStoreOptions> = {},
): Promise<SiotStore> {
  const store = await SiotStore.start({ nats: nats.url, version, ...given });
  stores.push(store);
  return store;
}

describe('looking inside', () => {
  it.each(VERSIONS)('shows what a person has set, %s', async (version) => {
    const store = await start(version);
    await store.edgeAs('user', 'dev', store.rootId, { nodeType: 'mcu' });
    const time = await store.setAs('user', 'dev', 'setpoint', '', 21.5);
    await store.setAs('user', 'dev', 'name', 'a', 'pump', { time: 7n });
    await store.setAs('user', 'dev', 'gone', '0', undefined, { tombstone: 1 });
    expect(store.point('dev', 'setpoint')).toMatchObject({ number: 21.5, time, origin: 'user' });
    expect(store.point('dev', 'name', 'a')).toMatchObject({ text: 'pump', time: 7n });
    expect(store.point('dev', 'gone')).toMatchObject({ number: 0, text: '', tombstone: 1 });
    expect(store.edges('dev')).toMatchObject([
      { type: 'mcu', parent: store.rootId, deleted: false, points: { length: 3 } },
    ]);
    await store.edgeAs('user', 'dev', store.rootId, { deleted: true });
    expect(store.edges('dev')).toMatchObject([{ deleted: true }]);
    expect(store.counters).toMatchObject({ messages: 5, points: 6, refused: 0 });
  });

  it('waits for a point that fits', async () => {
    const store = await start();
    const seen = store.waitForPoint('dev', 'v', '0', ({ number }) => number > 1);
    await store.setAs('user', 'dev', 'v', '0', 1);
    await store.setAs('user', 'dev', 'v', '0', 2);
    expect((await seen).number).toBe(2);
    await expect(store.waitForPoint('dev', 'w', '0', () => true, 1)).rejects.toThrow(
      'waited in vain for point w/0 of dev (not there): 1 ms are over',
    );
  });

  it('gives up waiting when the store ends', async () => {
    const store = await start();
    const waiting = expect(store.waitForPoint('dev', 'v')).rejects.toThrow('the store has ended');
    await store.stop();
    await waiting;
  });

  it('reports to a person what the store refuses', async () => {
    const store = await start();
    await expect(store.edgeAs('user', 'dev', store.rootId)).rejects.toThrow(
      'node type must be sent with new edges',
    );
  });
});

describe('the simulation', () => {
  it('of a store that stops and goes on', async () => {
    const store = await start();
    const client = await nats.connect();
    store.pause();
    let answered = false;
    const reply = client.request('nodes.root.all', '', { timeout: 10_000 }).then((message) => {
      answered = true;
      return message;
    });
    // Many times as long as an answer takes.
    for (let trips = 0; trips < 20; trips += 1) await client.flush();
    expect(answered).toBe(false);
    expect(store.counters.queries).toBe(0);
    store.resume();
    expect((await reply).data.length).toBeGreaterThan(0);
  });

  it('of a store whose disk is full for two messages', async () => {
    const store = await start();
    store.failNext(2, 'disk full');
    await expect(store.setAs('user', 'dev', 'v', '0', 1)).rejects.toThrow('disk full');
    await expect(store.setAs('user', 'dev', 'v', '0', 1)).rejects.toThrow('disk full');
    expect(store.points('dev')).toEqual([]);
    await store.setAs('user', 'dev', 'v', '0', 1);
    expect(store.points('dev')).toHaveLength(1);
    expect(store.counters.refused).toBe(2);
  });

  it('of replies that come late', async () => {
    const clock = new FakeClock();
    const store = await start('0.25.0', { clock });
    store.delayReplies(250);
    let done = false;
    const set = store.setAs('user', 'dev', 'v', '0', 1).then(() => (done = true));
    await store.waitForPoint('dev', 'v');
    clock.advance(249);
    const client = await nats.connect();
    await client.flush();
    expect(done).toBe(false);
    clock.advance(1);
    await set;
  });

  it('of a node that has grown too large for any reply', async () => {
    const store = await start();
    const client = await nats.connect();
    await store.edgeAs('user', 'dev', store.rootId, { nodeType: 'mcu' });
    const answers: string[] = [];
    client.subscribe('answers.*', {
      callback: (_error, message) => void answers.push(message.subject),
    });
    const ask = async (): Promise<string[]> => {
      client.publish('nodes.all.dev', '', { reply: 'answers.dev' });
      client.publish(`nodes.${store.rootId}.all`, '', { reply: 'answers.list' });
      client.publish('nodes.root.all', '', { reply: 'answers.root' });
      await client.request('nodes.none.barrier');
      return answers.splice(0);
    };
    store.silent.add('dev');
    expect(await ask()).toEqual(['answers.root']);
    store.silent.delete('dev');
    expect(await ask()).toHaveLength(3);
  });

  it('of a store that goes away, and knows everything when it is back', async () => {
    const store = await start();
    const client = await nats.connect();
    await store.setAs('user', 'dev', 'v', '0', 1);
    await store.leave();
    await expect(client.request('nodes.root.all')).rejects.toThrow('no responders');
    await store.comeBack();
    await client.request('nodes.root.all');
    expect(store.point('dev', 'v')?.number).toBe(1);
  });

  it('of a nats-server that is started anew', async () => {
    const server = await NatsServer.start();
    const lines: string[] = [];
    const store = await start('0.25.0', { nats: server.url, onStatus: (line) => lines.push(line) });
    await server.stop('SIGKILL');
    const again = await NatsServer.start({ port: server.port });
    try {
      const client = await connectTo(again.url);
      await answer(client);
      await client.close();
      expect(lines).toEqual([expect.stringMatching(/lost/), expect.stringMatching(/again$/)]);
    } finally {
      await store.stop();
      await again.stop();
    }
  });

  async function answer(client: Awaited<ReturnType<typeof connectTo>>): Promise<void> {
    const end = performance.now() + 10_000;
    for (;;) {
      try {
        await client.request('nodes.root.all', '', { timeout: 1000 });
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }
});

describe('the program', () => {
  interface Ran {
    readonly status: number;
    readonly out: string;
    readonly err: string;
  }

  async function run(args: string[], ended = Promise.resolve()): Promise<Ran> {
    let out = '';
    let err = '';
    const status = await runProgram(args, {
      out: (text) => (out += text),
      err: (text) => (err += text),
      ended,
    });
    return { status, out, err };
  }

  it('says when it answers, and ends with 0', async () => {
    const ran = await run(['--nats', nats.url, '--as', 'v0.22.0']);
    expect(ran).toEqual({
      status: 0,
      out: expect.stringMatching(
        /^siot-store 0\.22\.0 ready on nats:\/\/127\.0\.0\.1:\d+ root [0-9a-f-]{36}\n$/,
      ) as string,
      err: '',
    });
  });

  it.each([
    [[], '--as is missing; it is one of 0.18.5, 0.22.0, 0.25.0'],
    [['--as', '1'], '--as cannot be 1; it is one of 0.18.5, 0.22.0, 0.25.0'],
    [['--as', '0.18.5', '--nats', 'http://x'], '--nats cannot be http://x; it is an address'],
    [['--as', '0.18.5', '--nats', 'x:70000'], '--nats cannot be x:70000; it is an address'],
    [['--such'], "Unknown option '--such'"],
  ])('refuses %j with 2', async (args, why) => {
    const { status, out, err } = await run(args);
    expect(err).toContain(why);
    expect(err.split('\n')).toHaveLength(2);
    expect({ status, out }).toEqual({ status: 2, out: '' });
  });

  it('prints its usage', async () => {
    const { status, out } = await run(['--help']);
    expect({ status, out }).toEqual({
      status: 0,
      out: expect.stringContaining('--as VERSION') as string,
    });
  });

  it('ends with 1 where nothing listens, and where a token is asked for', async () => {
    const server = await NatsServer.start({ args: ['--auth', 'sesame'] });
    try {
      const refused = await run(['--as', '0.18.5', '--nats', server.url]);
      expect(refused.status).toBe(1);
      expect(refused.err).toContain('--token TOKEN gives');
      const args = ['--as', '0.18.5', '--nats', server.url, '--token', 'sesame'];
      expect((await run(args)).status).toBe(0);
    } finally {
      await server.stop();
    }
    const gone = await run(['--as', '0.18.5', '--nats', server.url]);
    expect(gone.status).toBe(1);
    expect(gone.err).toContain('is a nats-server running there?');
  });
});
