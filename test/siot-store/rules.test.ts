/** Rules of docs/siot.md, 4 that no recording shows, or only in one spelling. */
import { readFile } from 'node:fs/promises';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from 'vitest';
import { siot } from '#proto/siot.js';
import { FAKE_START_NS, FakeClock } from '../support/fake-clock.js';
import { useNats } from '../support/nats.js';
import { encodeNodes } from './codec-protobuf.js';
import { DIALECTS, VERSIONS, type Version } from './dialect.js';
import type { Content, StorePoint } from './point.js';
import { readRecording, replay, settle } from './recording.js';
import { SiotStore, type SiotStoreOptions } from './siot-store.js';

const nats = useNats();
const stores: SiotStore[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.stop()));
});

let time = FAKE_START_NS;

function point(
  version: Version,
  type: string,
  value: number | string | Content,
  given: Partial<StorePoint> = {},
): StorePoint {
  const { number, text } = DIALECTS[version];
  const content =
    typeof value === 'number' ? number(value) : typeof value === 'string' ? text(value) : value;
  time += 1000n;
  return { type, key: '0', time, tombstone: 0, origin: 'tester', content, ...given };
}

interface Rig {
  readonly store: SiotStore;
  readonly client: NatsConnection;
  /** Publishes points of a node, and resolves with all replies. */
  send(id: string, ...points: StorePoint[]): Promise<string[]>;
  edge(id: string, parent: string, ...points: StorePoint[]): Promise<string[]>;
  /** `undefined`: no reply came before the answer to a later question did. */
  query(subject: string): Promise<siot.NodesReply | undefined>;
  /** Messages on p, ep and up since the last call. */
  heard(): Promise<string[]>;
}

async function rig(version: Version, given: Partial<SiotStoreOptions> = {}): Promise<Rig> {
  const store = await SiotStore.start({ nats: nats.url, version, rootId: 'root-1', ...given });
  stores.push(store);
  const client = await nats.connect({ noEcho: true });
  const { encode, generation } = DIALECTS[version];
  const subjects: string[] = [];
  for (const subject of ['p.>', 'ep.>', 'up.>']) {
    client.subscribe(subject, {
      callback: (_error, message) => void subjects.push(message.subject),
    });
  }
  const replies: { subject: string; data: Uint8Array }[] = [];
  client.subscribe('replies.*', { callback: (_error, message) => void replies.push(message) });
  let count = 0;
  const ask = async (subject: string, payload: Uint8Array): Promise<Uint8Array[]> => {
    const reply = `replies.${(count += 1)}`;
    client.publish(subject, payload, { reply });
    await settle(client);
    return replies.filter((message) => message.subject === reply).map(({ data }) => data);
  };
  const texts = (all: Uint8Array[]): string[] => all.map((data) => Buffer.from(data).toString());
  return {
    store,
    client,
    send: async (id, ...points) =>
      texts(await ask(generation === 1 ? `p.${id}` : `p.${id}.x.0`, encode(points))),
    edge: async (id, parent, ...points) =>
      texts(await ask(`${generation === 1 ? 'p' : 'ep'}.${id}.${parent}`, encode(points))),
    query: async (subject) => {
      const [reply] = await ask(subject, new Uint8Array(0));
      return reply === undefined ? undefined : siot.NodesReply.decode(reply);
    },
    heard: async () => {
      await settle(client);
      return subjects.splice(0);
    },
  };
}

const SQLITE = ['0.18.5', '0.22.0'] as const;

describe('NaN', () => {
  it.each(SQLITE)('destroys a node and the list it stands in, %s', async (version) => {
    const { store, send, query } = await rig(version);
    await store.edgeAs('user', 'grp', 'root-1', { nodeType: 'group' });
    await store.edgeAs('user', 'dev', 'grp', { nodeType: 'mcu' });
    expect(await send('dev', point(version, 'v', Number.NaN))).toEqual(['']);
    const why = 'converting NULL to float64 is unsupported';
    expect((await query('nodes.all.dev'))?.error).toContain(why);
    expect((await query('nodes.grp.all'))?.error).toContain(why);
    expect((await query('nodes.root-1.all'))?.nodes).toHaveLength(2);
    expect(await send('dev', point(version, 'other', 1))).toEqual([expect.stringContaining(why)]);
  });

  it('of four bytes is a NaN too, and one in text is not', async () => {
    const { send, query, store } = await rig('0.22.0');
    await store.edgeAs('user', 'dev', 'root-1', { nodeType: 'mcu' });
    await send('dev', point('0.22.0', 't', 'NaN'));
    expect((await query('nodes.all.dev'))?.nodes).toHaveLength(1);
    const data = Uint8Array.of(0, 0, 0xc0, 0x7f);
    await send('dev', point('0.22.0', 'v', { kind: 'typed', dataType: 1, data }));
    expect((await query('nodes.all.dev'))?.error).toContain('NULL');
  });

  it.each(SQLITE)('in an edge is refused and fanned out, %s', async (version) => {
    const { store, edge, query } = await rig(version);
    await store.edgeAs('user', 'dev', 'root-1', { nodeType: 'mcu' });
    const replies = await edge('dev', 'root-1', point(version, 'lab', Number.NaN));
    expect(replies).toEqual([expect.stringContaining('error updating upstream hash'), '']);
    expect((await query('nodes.all.dev'))?.nodes).toHaveLength(1);
  });

  it('harms nothing in 0.25.0', async () => {
    const { store, send, query } = await rig('0.25.0');
    await store.edgeAs('user', 'dev', 'root-1', { nodeType: 'mcu' });
    await send('dev', point('0.25.0', 'v', Number.NaN));
    expect((await query('nodes.all.dev'))?.nodes[0]?.points).toHaveLength(1);
    expect(store.point('dev', 'v')?.number).toBeNaN();
  });
});

describe('a reply above the largest payload', () => {
  it.each(VERSIONS)('is not sent, %s', async (version) => {
    const { store, send, query } = await rig(version);
    await store.edgeAs('user', 'big', 'root-1', { nodeType: 'mcu' });
    await store.edgeAs('user', 'small', 'root-1', { nodeType: 'mcu' });
    const text = 'x'.repeat(60_000);
    for (let key = 0; key < 17; key += 1) {
      await send('big', point(version, 'v', text, { key: String(key) }));
    }
    expect((await query('nodes.all.big'))?.nodes[0]?.points).toHaveLength(17);
    await send('big', point(version, 'v', text, { key: '17' }));
    expect(await query('nodes.all.big')).toBeUndefined();
    expect(await query('nodes.root-1.all')).toBeUndefined();
    expect((await query('nodes.all.small'))?.nodes).toHaveLength(1);
  });
});

describe('an edge write that fails', () => {
  it.each(SQLITE)('is answered twice and fanned out, %s', async (version) => {
    const { edge, heard } = await rig(version);
    const tombstone = point(version, 'tombstone', 0);
    expect(await edge('dev', 'root-1', tombstone)).toEqual([
      'node type must be sent with new edges',
      '',
    ]);
    expect(await heard()).toHaveLength(1);
  });

  it('is answered once in 0.25.0', async () => {
    const { edge, heard } = await rig('0.25.0');
    const tombstone = point('0.25.0', 'tombstone', 0);
    expect(await edge('dev', 'root-1', tombstone)).toEqual([
      'node type must be sent with new edges',
    ]);
    expect(await heard()).toEqual([]);
  });
});

describe('forbidden characters in 0.25.0', () => {
  it('cost their own points only, and name each', async () => {
    const { send, store } = await rig('0.25.0');
    const replies = await send(
      'dev',
      point('0.25.0', 'good', 1),
      point('0.25.0', 'ba.d', 1),
      point('0.25.0', 'ok', 1, { key: 'a"\u0001*' }),
      point('0.25.0', 'fine', 1),
    );
    expect(replies).toEqual([
      'node dev: point type "ba.d" contains ".", which is not allowed in a point type; ' +
        'point (type ok) key "a\\"\\x01*" contains "*", which is not allowed in a point key',
    ]);
    expect(store.points('dev').map(({ type }) => type)).toEqual(['good', 'fine', 'error']);
  });

  it('are reported on the node at most once a minute', async () => {
    const clock = new FakeClock();
    const { send, store, heard } = await rig('0.25.0', { clock });
    const tell = async (type: string, id = 'dev'): Promise<string[]> => {
      await send(id, point('0.25.0', type, 1));
      return heard();
    };
    expect(await tell('a.b')).toEqual(['p.dev.error.0', 'up.dev.dev.error.0']);
    clock.advance(59_999);
    expect(await tell('c.d')).toEqual([]);
    expect(await tell('c.d', 'other')).toContain('p.other.error.0');
    clock.advance(1);
    expect(await tell('e.f')).toEqual(['p.dev.error.0', 'up.dev.dev.error.0']);
    expect(store.point('dev', 'error')).toMatchObject({
      text: 'node dev: point type "e.f" contains ".", which is not allowed in a point type',
      time: FAKE_START_NS + 60_000_000_000n,
      origin: '',
    });
  });

  it('include the boundary in the complaint about an empty type', async () => {
    const { send, store } = await rig('0.25.0');
    await store.edgeAs('user', 'remote', 'root-1', { nodeType: 'device' });
    await store.edgeAs('user', 'dev', 'remote', { nodeType: 'mcu' });
    expect(await send('dev', point('0.25.0', '', 1))).toEqual([
      'error publishing point to inst.remote.root-1.dev.p..0: nats: no response from stream',
    ]);
  });
});

describe('white space in a type of 0.22.0', () => {
  it.each([
    ['one gap', 'a b', [''], ['up.dev.dev.a']],
    ['a gap at the end of the key', 'a', [''], ['up.dev.dev.a.k'], 'k '],
    ['two gaps', 'a b c', [], []],
    ['a line break', 'a\nb', [], []],
  ])('%s', async (_what, type, replies, subjects, key = '0') => {
    const { send, heard, store } = await rig('0.22.0');
    expect(await send('dev', point('0.22.0', type, 1, { key }))).toEqual(replies);
    expect(await heard()).toEqual(subjects);
    expect(store.point('dev', type, key)?.number).toBe(1);
  });
});

describe('text that is not UTF-8', () => {
  it.each(['0.22.0', '0.25.0'] as const)('in a type costs the whole reply, %s', async (version) => {
    const { client, query, store } = await rig(version);
    await store.edgeAs('user', 'dev', 'root-1', { nodeType: 'mcu' });
    const good = Buffer.from(DIALECTS[version].encode([point(version, 'tZZ', 1)]));
    good.set([0xff, 0xc3], good.indexOf('ZZ'));
    await client.request('p.dev.x.0', good);
    expect(await query('nodes.all.dev')).toBeUndefined();
    expect(store.points('dev')[0]?.type).toBe('t\udcff\udcc3');
  });

  it('rejects the payload in 0.18.5', async () => {
    const { client, store } = await rig('0.18.5');
    const bad = Buffer.from(DIALECTS['0.18.5'].encode([point('0.18.5', 'tZZ', 1)]));
    bad.set([0xff, 0xc3], bad.indexOf('ZZ'));
    const reply = await client.request('p.dev', bad);
    expect(reply.string()).toBe('error decoding node points subject');
    expect(store.points('dev')).toEqual([]);
  });
});

describe('merging', () => {
  it('joins what reads the same within a message, newest first', async () => {
    for (const version of VERSIONS) {
      const { send, store } = await rig(version);
      const later = point(version, 'temp1', 2);
      const earlier = point(version, 'temp', 1, { key: '10', time: later.time - 5n });
      await send('dev', later, earlier);
      expect(store.points('dev')).toMatchObject([{ type: 'temp1', key: '0', number: 2 }]);
      await store.stop();
    }
  });

  it('joins points of equal times into the last of the message', async () => {
    for (const version of VERSIONS) {
      const { send, store } = await rig(version);
      const first = point(version, 'temp', 1, { key: '10' });
      await send('dev', first, point(version, 'temp1', 2, { time: first.time }));
      expect(store.points('dev')).toMatchObject([{ type: 'temp1', number: 2 }]);
      await store.stop();
    }
  });

  it('takes equal times in SQLite, and not in JetStream', async () => {
    for (const [version, number] of [
      ['0.18.5', 2],
      ['0.22.0', 2],
      ['0.25.0', 1],
    ] as const) {
      const { send, store } = await rig(version);
      const first = point(version, 'v', 1);
      await send('dev', first);
      await send('dev', point(version, 'v', 2, { time: first.time }));
      expect(store.point('dev', 'v')?.number).toBe(number);
      await store.stop();
    }
  });

  it('gives equal times of two instances to the greater', async () => {
    const { client, store } = await rig('0.25.0');
    const { encode } = DIALECTS['0.25.0'];
    const at = time;
    const from = async (instance: string, value: number): Promise<void> => {
      const about = headers();
      about.set('Siot-Origin', instance);
      const payload = encode([point('0.25.0', 'v', value, { time: at })]);
      await client.request('p.dev.v.0', payload, { headers: about, timeout: 5000 });
    };
    await from('m', 1);
    await from('a', 2);
    expect(store.point('dev', 'v')?.number).toBe(1);
    await from('z', 3);
    expect(store.point('dev', 'v')?.number).toBe(3);
  });
});

describe('the tree', () => {
  it.each(VERSIONS)(
    'with a node above itself does not keep the store busy, %s',
    async (version) => {
      const { store, send, heard } = await rig(version);
      await store.edgeAs('user', 'a', 'b', { nodeType: 'group' });
      await store.edgeAs('user', 'b', 'a', { nodeType: 'group' });
      await heard();
      await send('a', point(version, 'v', 1));
      expect(await heard()).toHaveLength(2);
    },
  );

  it.each(VERSIONS)('gets another root by an edge to root, %s', async (version) => {
    const { store, query } = await rig(version);
    await store.edgeAs('user', 'new', 'root', { nodeType: 'device' });
    expect(store.rootId).toBe('new');
    expect((await query('nodes.root.all'))?.nodes.map(({ id }) => id)).toEqual(['new']);
  });

  it('changes the type of an edge in 0.25.0 only', async () => {
    for (const [version, type] of [
      ['0.18.5', 'mcu'],
      ['0.22.0', 'mcu'],
      ['0.25.0', 'other'],
    ] as const) {
      const { store } = await rig(version);
      await store.edgeAs('user', 'dev', 'root-1', { nodeType: 'mcu' });
      await store.edgeAs('user', 'dev', 'root-1', { nodeType: 'other' });
      expect(store.edges('dev')[0]?.type).toBe(type);
      await store.stop();
    }
  });
});

describe('the hash', () => {
  it.each(SQLITE)('shows changes below, and is absent without points, %s', async (version) => {
    const { store, send, edge, query } = await rig(version);
    const hashOf = async (id: string): Promise<unknown> =>
      (await query(`nodes.all.${id}`))?.nodes[0]?.hash;
    await edge('grp', 'root-1', point(version, 'nodeType', 'group'));
    expect(await hashOf('grp')).toBe(0);
    await store.edgeAs('user', 'dev', 'grp', { nodeType: 'mcu' });
    const before = await Promise.all(['root-1', 'grp', 'dev'].map(hashOf));
    expect(before).not.toContain(0);
    await send('dev', point(version, 'v', 1));
    const after = await Promise.all(['root-1', 'grp', 'dev'].map(hashOf));
    // The group has no points of its own: it has what is below it.
    expect(before[1]).toBe(before[2]);
    expect(new Set([...before, ...after]).size).toBe(4);
  });

  it('is always absent in 0.25.0', async () => {
    const { query } = await rig('0.25.0');
    expect((await query('nodes.root.all'))?.nodes[0]?.hash).toBe(0);
  });
});

describe('logging in', () => {
  it.each(VERSIONS)('with the first user gives the user and a token, %s', async (version) => {
    const { client, store } = await rig(version);
    const { encode } = DIALECTS[version];
    const login = async (pass: string, key = '0'): Promise<siot.NodesReply> => {
      const about = [
        point(version, 'email', 'admin', { key }),
        point(version, 'pass', pass, { key }),
      ];
      return siot.NodesReply.decode((await client.request('auth.user', encode(about))).data);
    };
    const { nodes } = await login('admin');
    expect(nodes.map(({ type }) => type)).toEqual(['user', 'jwt']);
    expect(nodes[0]?.id).toBe(store.userId);
    const token = nodes[1]?.points?.[0];
    const text = version === '0.18.5' ? token?.text : Buffer.from(token?.data ?? []).toString();
    expect(text).toMatch(/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}$/);
    expect((await login('wrong')).nodes).toEqual([]);
    expect((await login('admin', '')).nodes).toEqual([]);
    await store.edgeAs('user', store.userId, 'root-1', { deleted: true });
    expect((await login('admin')).nodes).toEqual([]);
  });
});

describe('bytes', () => {
  it('of the replies are those of the worked examples', async () => {
    const file = new URL('../vectors/vectors.json', import.meta.url);
    const { vectors } = JSON.parse(await readFile(file, 'utf8')) as {
      vectors: { name: string; hex: string }[];
    };
    const hexOf = (name: string): string =>
      vectors.find((vector) => vector.name === name)?.hex ?? '';
    for (const [version, generation, name] of [
      ['0.18.5', 'g1', '0.18.5'],
      ['0.25.0', 'g2', '0.25.0'],
    ] as const) {
      const { client, store } = await rig(version, {
        nats: 'nats://127.0.0.1:4222',
        connection: { servers: nats.url },
      });
      const reply = Buffer.from((await client.request('auth.getNatsURI')).data).toString('hex');
      expect(reply).toBe(hexOf(`${generation}-nats-getNatsURI-reply`));
      await store.stop();
      const at = (type: string, value: number | string): StorePoint =>
        point(version, type, value, { origin: '', time: FAKE_START_NS });
      const nodes = encodeNodes([
        {
          id: 'root-1',
          type: 'device',
          parent: 'root',
          points: [at('versionApp', name)],
          edgePoints: [
            at('tombstone', 0),
            ...(generation === 'g2' ? [at('nodeType', 'device')] : []),
          ],
          hash: generation === 'g1' ? -2 : 0,
        },
      ]);
      expect(Buffer.from(nodes ?? []).toString('hex')).toBe(
        hexOf(`${generation}-nats-nodes-reply`),
      );
    }
  });
});

describe('a replay', () => {
  it('says what differs', async () => {
    const [recorded] = await readRecording(new URL('../vectors/store.json', import.meta.url));
    const [scenario] = recorded!.scenarios.slice(1);
    const changed = JSON.parse(JSON.stringify(scenario).replaceAll('pump house', 'pump hut')) as {
      name: string;
      steps: [];
    };
    const store = await SiotStore.start({ nats: nats.url, version: '0.18.5' });
    stores.push(store);
    const connection = await nats.connect({ noEcho: true });
    const { rootId, userId } = store;
    const found = await replay(
      { ...recorded!, scenarios: [changed] },
      { connection, rootId, userId },
    );
    expect(found.map(({ where, what }) => `${where}: ${what}`)).toEqual([
      'create, step 1, p.dev-1: publishes',
      'create, step 4, nodes.all.dev-1: nodes',
      'create, step 5, nodes.$ROOT.dev-1: nodes',
      'create, step 6, nodes.$ROOT.all: nodes',
    ]);
  });
});
