/** What a nats-server may do to its clients: it is full, strict, about to go, or cut off. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { numberOf, stringValue } from '../../../src/point/point.js';
import { NatsServer } from '../../../src/siot/connection/nats-server.js';
import { SettingError } from '../../../src/siot/siot.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startCluster } from '../../support/nats-cluster.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { tempDir } from '../../support/temp-dir.js';
import {
  cleanup,
  delivered,
  NODE_ID,
  point,
  put,
  rawClient,
  startNats,
  startSiot,
  startStore,
  warnings,
  watch,
} from '../harness.js';
import { ScriptedStore } from '../scripted-store.js';
import { until } from '../../support/until.js';

/** A nats-server with this configuration, and the way to change it. */
async function configured(text: string): Promise<[NatsServer, (changed: string) => void]> {
  const file = join(tempDir(), 'nats.conf');
  writeFileSync(file, text);
  const nats = await startNats({ args: ['-c', file] });
  return [
    nats,
    (changed) => {
      writeFileSync(file, changed);
      nats.signal('SIGHUP');
    },
  ];
}

describe('a nats-server that is full', () => {
  it('is reported as full, and used once there is room', async () => {
    const [nats] = await configured('max_connections: 2');
    const store = await ScriptedStore.start(await rawClient(nats), 2);
    const other = await rawClient(nats);
    const rig = startSiot(nats);
    for (let n = 0; n < 20; n++) put(rig.outbox, point('temp', n));
    const full = `NATS at ${nats.url} has as many clients as it takes: raise its max_connections, or end others`;
    await until(() => rig.siot.status.problem === full, 'said');
    expect(rig.siot.status.nats).toBe('connecting');
    expect(warnings(rig)).toContain(`${full}; trying again`);
    await other.close();
    await until(() => delivered(rig), 'all delivered');
    expect(store.numbers('temp')).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });
});

describe('a nats-server that takes small messages only', () => {
  it.each([1, 2] as const)(
    'gets what fits, one by one; what does not fit is dropped and reported: generation %i',
    async (generation) => {
      const [nats] = await configured('max_payload: 700');
      const store = await ScriptedStore.start(await rawClient(nats), generation);
      const rig = startSiot(nats);
      await until(() => rig.node.events.includes('resend'), 'made');
      // Its list does not fit any more, either.
      store.answerQuery = () => undefined;
      const text = 'x'.repeat(200);
      for (let n = 0; n < 40; n++) {
        put(rig.outbox, point(`t${String(n)}`, 0, { value: stringValue(`${text}${String(n)}`) }));
        if (n === 20) {
          put(rig.outbox, point('huge', 0, { value: stringValue('y'.repeat(700)) }));
          put(rig.outbox, point('temp', 1), point('temp', 2));
        }
      }
      await until(() => delivered(rig), 'all delivered');
      for (let n = 0; n < 40; n++)
        expect(store.nodes.get(NODE_ID)?.points.has(`t${String(n)} 0`)).toBe(true);
      expect(store.numbers('temp')).toEqual([1, 2]);
      expect(rig.node.droppedPoints.map(({ cause, points }) => [cause, points[0]?.type])).toEqual([
        ['unsendable', 'huge'],
      ]);
      expect(warnings(rig)).toEqual([
        expect.stringMatching(
          /^1 point\(s\) dropped: it has \d+ bytes, and this nats-server takes 700 at most \(its max_payload\)$/,
        ),
      ]);
      await expect(
        rig.siot.publishSetting(
          NODE_ID,
          point('label', 0, { value: stringValue('z'.repeat(700)) }),
        ),
      ).rejects.toThrow('it is larger than the nats-server takes (its max_payload)');
      expect(rig.siot.status.nats).toBe('connected');
    },
  );

  it.each([1, 2] as const)('gets the same without a store: generation %i', async (generation) => {
    const [nats] = await configured('max_payload: 700');
    const seen = await watch(await rawClient(nats), generation);
    const rig = startSiot(nats, { generation, store: 'none' });
    for (let n = 0; n < 40; n++) {
      const text = `${'x'.repeat(200)}${String(n)}`;
      put(rig.outbox, point(`t${String(n)}`, n, { value: { kind: 'string', text, number: n } }));
      if (n === 20) put(rig.outbox, point('huge', 0, { value: stringValue('y'.repeat(700)) }));
    }
    await until(() => delivered(rig), 'all confirmed');
    const types = seen.flatMap(({ points }) => points.map(({ type }) => type));
    expect(types).toEqual(Array.from({ length: 40 }, (_, n) => `t${String(n)}`));
    expect(rig.node.droppedPoints.map(({ points }) => points[0]?.type)).toEqual(['huge']);
    expect(warnings(rig).some((text) => text.includes('lost'))).toBe(false);
    await expect(
      rig.siot.publishSetting(NODE_ID, point('label', 0, { value: stringValue('z'.repeat(700)) })),
    ).rejects.toThrow(SettingError);
  });
});

describe('a nats-server that is about to go (lame duck)', () => {
  const LAME = 'lame_duck_grace_period: "100ms"\nlame_duck_duration: "30s"';

  it('loses nothing, says so, and what waits goes to the server that comes', async () => {
    const [nats] = await configured(LAME);
    const store = await startStore(nats.url, '0.25.0');
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    let n = 0;
    const more = (): void => put(rig.outbox, point('temp', n), point(`k${String(n)}`, n++));
    for (let i = 0; i < 100; i++) more();
    nats.signal('SIGUSR2');
    await until(() => {
      more();
      return rig.siot.status.nats === 'connecting';
    }, 'closed by the server');
    expect(warnings(rig)).toContain('NATS is about to shut down, and says so');
    await nats.ended;
    const fresh = await NatsServer.start({ port: nats.port });
    cleanup(() => fresh.stop());
    for (let i = 0; i < 100; i++) more();
    await until(() => delivered(rig), 'all delivered', 15_000);
    for (let key = 0; key < n; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
    expect(store.point(NODE_ID, 'temp')?.number).toBe(n - 1);
  });

  it('of a cluster is left for another', async () => {
    const cluster = await startCluster(2, [LAME]);
    cleanup(() => cluster.stop());
    const [first, second] = cluster.servers;
    if (first === undefined || second === undefined) throw new Error('two');
    const store = await startStore(second.url, '0.25.0');
    const rig = startSiot(first);
    await until(() => rig.node.events.includes('resend'), 'made');
    first.signal('SIGUSR2');
    let n = 0;
    await until(() => {
      put(rig.outbox, point('temp', n), point(`k${String(n)}`, n++));
      return rig.said.filter(({ message }) => message === 'connected to NATS').length === 2;
    }, 'on the other one');
    await until(() => delivered(rig), 'all delivered', 15_000);
    for (let key = 0; key < n; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
    expect(store.point(NODE_ID, 'temp')?.number).toBe(n - 1);
  });
});

describe('a leaf node', () => {
  it('whose hub is away: the gateway keeps what SIOT, behind the hub, has to get', async () => {
    const folder = tempDir();
    const hubFile = join(folder, 'hub.conf');
    writeFileSync(hubFile, 'http: "127.0.0.1:-1"\nleafnodes { listen: "127.0.0.1:-1" }');
    const hub = await startNats({ args: ['-c', hubFile, '--ports_file_dir', folder] });
    const leafPort = await leafPortOf(folder);
    writeFileSync(hubFile, `leafnodes { listen: "127.0.0.1:${String(leafPort)}" }`);
    const leafUrl = `nats://127.0.0.1:${String(leafPort)}`;
    const [leaf] = await configured(
      `leafnodes { reconnect: 1, remotes: [ { url: "${leafUrl}" } ] }`,
    );
    const store = await startStore(hub.url, '0.25.0');
    const rig = startSiot(leaf);
    await until(() => rig.node.events.includes('resend'), 'made across the leaf');
    let n = 0;
    const more = (count: number): void => {
      for (let i = 0; i < count; i++)
        put(rig.outbox, point('temp', n), point(`k${String(n)}`, n++));
    };
    more(100);
    await hub.stop('SIGKILL');
    more(100);
    await until(() => rig.siot.status.store === 'expected', 'noticed');
    expect(rig.siot.status.nats).toBe('connected');
    await until(() => warnings(rig).includes('SIOT does not answer: points wait for it'), 'said');
    expect(rig.outbox.lane(NODE_ID).length).toBeGreaterThanOrEqual(200);
    const again = await NatsServer.start({ port: hub.port, args: ['-c', hubFile] });
    cleanup(() => again.stop());
    more(100);
    await until(() => delivered(rig), 'all delivered', 15_000);
    for (let key = 0; key < n; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
    expect(store.point(NODE_ID, 'temp')?.number).toBe(n - 1);
    expect(rig.node.droppedPoints).toEqual([]);
  });
});

describe('permissions that deny the subjects of requests to SIOT', () => {
  const config = (deny: string): string =>
    `authorization { users: [ { user: u, password: p, permissions: { publish: { allow: ">", deny: [${deny}] } } }, { user: siot, password: s } ] }`;
  const auth = { kind: 'user', user: 'u', password: 'p' } as const;

  it.each([
    ['the probe', '"auth.>", "nodes.>"', 'auth.getNatsURI', 'expected'],
    ['nodes', '"nodes.>"', 'nodes.all.gw-1', 'answers'],
  ])(
    'are shown, and nothing is lost until they are corrected: %s',
    async (_of, deny, subject, is) => {
      const [nats, permit] = await configured(config(deny));
      const client = await rawClient(nats, { user: 'siot', pass: 's' });
      const store = await ScriptedStore.start(client, 2);
      const clock = new FakeClock();
      const connection = { servers: [nats.url], auth };
      const rig = startSiot(nats, { connection, clock, remembered: { generation: 2 } });
      const pass = async (isOver: () => boolean): Promise<void> => {
        for (let ms = 0; ms < 120_000 && !isOver(); ms += 250) {
          clock.advance(250);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      };
      put(rig.outbox, point('temp', 1));
      const denied = `NATS does not permit publishing to ${subject}: the permissions of this client need mending`;
      await pass(() => rig.siot.status.problem === denied && rig.siot.status.store === is);
      expect(rig.siot.status).toMatchObject({ nats: 'connected', problem: denied, store: is });
      expect(warnings(rig)).toContain(denied);
      permit(config(''));
      await pass(() => delivered(rig) && rig.node.events.includes('resend'));
      expect(store.numbers('temp')).toEqual([1]);
      expect(rig.node.events).toContain('resend');
      expect(rig.node.droppedPoints).toEqual([]);
    },
  );
});

describe('a nats-server that finds the gateway too slow', () => {
  it('closes the connection: it is made anew, and what was set meanwhile is read', async () => {
    const [nats] = await configured(
      'write_deadline: "200ms"\nmax_payload: 300000\nmax_pending: 300000',
    );
    const store = await startStore(nats.url, '0.25.0');
    const proxy = await TcpProxy.start({ port: nats.port });
    cleanup(() => proxy.stop());
    const rig = startSiot(proxy);
    await until(() => rig.node.events.includes('resend'), 'made');
    proxy.deafen(true);
    for (let n = 0; n < 100; n++) put(rig.outbox, point('temp', n));
    await store.setAs('user-1', NODE_ID, 'limit', '0', 7);
    const flood = await rawClient(nats);
    const much = new Uint8Array(200_000);
    await until(() => {
      for (let i = 0; i < 5; i++) flood.publish(`p.${NODE_ID}.much.0`, much);
      // What it writes tells it that nobody listens any more.
      rig.siot.publishSetting(NODE_ID, point('poke', 1)).catch(() => undefined);
      return rig.siot.status.nats === 'connecting';
    }, 'closed by the server');
    proxy.deafen(false);
    await until(() => delivered(rig), 'all delivered', 15_000);
    expect(store.point(NODE_ID, 'temp')?.number).toBe(99);
    await until(() => rig.node.events.filter((event) => event === 'read').length === 2, 'read');
    const limit = rig.node.readPoints.at(-1)?.find(({ type }) => type === 'limit');
    expect(limit === undefined ? undefined : numberOf(limit.value)).toBe(7);
  });
});

/** Where a hub takes leaf nodes: its monitoring tells. */
async function leafPortOf(folder: string): Promise<number> {
  const file = (): string => readdirSync(folder).find((name) => name.endsWith('.ports')) ?? '';
  const read = (): string => (file() === '' ? '' : readFileSync(join(folder, file()), 'utf8'));
  await until(() => read().endsWith('}'), 'its ports');
  const told = JSON.parse(read()) as { monitoring?: string[] };
  const answer = await fetch(`${told.monitoring?.[0] ?? ''}/varz`);
  return ((await answer.json()) as { leaf: { port: number } }).leaf.port;
}
