/** Faults of NATS and of SIOT: nothing is lost, each point stays in order, and it is reported. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { numberOf, stringValue } from '../../src/point/point.js';
import { Connection } from '../../src/siot/connection/connection.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { readReceipt } from '../../src/siot/publishing/receipt.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import type { SiotStore } from '../siot-store/siot-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { startCluster } from '../support/nats-cluster.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { tempDir } from '../support/temp-dir.js';
import {
  cleanup,
  delivered,
  GATEWAY_ID,
  NODE_ID,
  point,
  put,
  rawClient,
  startNats,
  startSiot,
  startStore,
  warnings,
  watch,
} from './harness.js';
import { ScriptedStore } from './scripted-store.js';
import { until } from '../support/until.js';
import { SLOWNESS } from '../support/slowness.js';

/** Values of `temp` in the order in which the store took each for the first time. */
function taken(store: SiotStore, since: number[] = []): number[] {
  const values = since;
  let last = Number.NaN;
  void store
    .waitFor(
      () => {
        const number = store.point(NODE_ID, 'temp')?.number;
        if (number !== undefined && number !== last) values.push((last = number));
        return undefined;
      },
      'its end',
      600_000,
    )
    .catch(() => undefined);
  return values;
}

const ascending = (values: readonly number[]): boolean =>
  values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0));

describe.each(['0.18.5', '0.25.0'] as const)('SIOT %s under load', (version) => {
  it('gets all, in order, while NATS is killed again and again', async () => {
    let nats = await NatsServer.start();
    cleanup(() => nats.stop('SIGKILL'));
    const store = await startStore(nats.url, version);
    const values = taken(store);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    let n = 0;
    for (let round = 0; round < 4; round++) {
      for (const end = n + 300; n < end; n++)
        put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
      await until(() => values.length > 0 && (values.at(-1) ?? 0) >= n - 250, 'some of them');
      await nats.stop('SIGKILL');
      for (const end = n + 100; n < end; n++)
        put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
      nats = await NatsServer.start({ port: nats.port });
    }
    await until(() => delivered(rig), 'all delivered', 15_000);
    expect(ascending(values)).toBe(true);
    expect(store.point(NODE_ID, 'temp')?.number).toBe(n - 1);
    for (let key = 0; key < n; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
    expect(rig.node.droppedPoints).toEqual([]);
  });

  it('gets all when it goes before it has answered what it has taken', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, version);
    const values = taken(store);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    store.loseReplies(true);
    for (let n = 0; n < 200; n++) put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
    await until(() => store.counters.points > 10, 'some taken without a word');
    await store.leave();
    store.loseReplies(false);
    await store.comeBack();
    await until(() => delivered(rig), 'all delivered', 15_000);
    expect(ascending(values)).toBe(true);
    expect(store.point(NODE_ID, 'temp')?.number).toBe(199);
    for (let key = 0; key < 200; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
  });
});

describe.each([
  ['0.18.5', '0.25.0'],
  ['0.25.0', '0.18.5'],
  ['0.22.0', '0.25.0'],
] as const)('SIOT %s that becomes %s in place', (before, after) => {
  it('gets all in the new encoding, also what the old one never answered', async () => {
    const nats = await startNats();
    const old = await startStore(nats.url, before);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    for (let n = 0; n < 50; n++) put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
    old.loseReplies(true);
    const { points } = old.counters;
    for (let n = 50; n < 100; n++) put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
    await until(() => old.counters.points > points, 'some unanswered');
    await old.leave();
    const fresh = await startStore(nats.url, after, { rootId: old.rootId });
    fresh.inherit(old);
    for (let n = 100; n < 150; n++) put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
    const values = taken(fresh);
    await until(() => delivered(rig), 'all delivered', 15_000);
    expect(rig.siot.status.generation).toBe(fresh.generation);
    expect(ascending(values)).toBe(true);
    expect(fresh.point(NODE_ID, 'temp')?.number).toBe(149);
    for (let key = 0; key < 150; key++) {
      expect(fresh.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
    // The nodes are those that were there.
    expect(fresh.edges(NODE_ID)).toHaveLength(1);
    await fresh.setAs('user-1', NODE_ID, 'limit', '0', 7);
    await until(() => rig.node.heardPoints.some(({ type }) => type === 'limit'), 'a setting');
  });
});

describe('a frozen nats-server', () => {
  it.each(['0.18.5', '0.25.0'] as const)(
    'costs nothing when it goes on soon, and times stay as they were: %s',
    async (version) => {
      const nats = await startNats();
      const store = await startStore(nats.url, version);
      const client = await rawClient(nats);
      const seen = await watch(client, version === '0.18.5' ? 1 : 2);
      const values = taken(store);
      const rig = startSiot(nats);
      await until(() => rig.node.events.includes('resend'), 'made');
      nats.signal('SIGSTOP');
      cleanup(() => nats.signal('SIGCONT'));
      for (let n = 0; n < 500; n++) put(rig.outbox, point('temp', n));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      nats.signal('SIGCONT');
      await until(() => delivered(rig), 'all delivered');
      expect(ascending(values)).toBe(true);
      expect(rig.siot.status.nats).toBe('connected');
      const times = new Map<number, bigint>();
      for (const p of seen.flatMap(({ points }) => points).filter(({ type }) => type === 'temp')) {
        const number = numberOf(p.value);
        expect(times.get(number) ?? p.time).toBe(p.time);
        times.set(number, p.time);
      }
      expect(times.size).toBe(500);
    },
  );

  it('does not fill our memory, with a store or without', async () => {
    let bytes = 0;
    const spy = vi
      .spyOn(Connection.prototype, 'publish')
      .mockImplementation((_subject, payload) => {
        bytes += payload.length;
        return 0;
      });
    cleanup(() => spy.mockRestore());
    const nats = await startNats();
    const rig = startSiot(nats, { store: 'none' });
    await until(() => rig.siot.status.nats === 'connected', 'connected');
    const text = stringValue('x'.repeat(20_000));
    nats.signal('SIGSTOP');
    cleanup(() => nats.signal('SIGCONT'));
    for (let n = 0; n < 1_000; n++) put(rig.outbox, point(`t${String(n)}`, 0, { value: text }));
    for (let n = 0; n < 1_000; n++)
      rig.nodeHandle.status([point(`s${String(n)}`, 0, { value: text })]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(2_200_000);
  });

  it('for long is left, reported, and gets everything when it goes on', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await startStore(nats.url, '0.25.0');
    const values = taken(store);
    const rig = startSiot(nats, { clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    nats.signal('SIGSTOP');
    cleanup(() => nats.signal('SIGCONT'));
    for (let n = 0; n < 200; n++) put(rig.outbox, point('temp', n));
    for (let ms = 0; ms < 30_000; ms += 500) await clock.advanceAsync(500);
    expect(rig.siot.status.nats).toBe('connecting');
    expect(warnings(rig).join()).toContain('no sign of life within 10000 ms');
    expect(rig.siot.status.problem).toMatch(/says nothing: it hangs|no sign of life/);
    nats.signal('SIGCONT');
    for (let n = 200; n < 300; n++) put(rig.outbox, point('temp', n));
    for (let n = 0; n < 400 && !delivered(rig); n++) {
      await clock.advanceAsync(100);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(delivered(rig)).toBe(true);
    expect(ascending(values)).toBe(true);
    expect(store.point(NODE_ID, 'temp')?.number).toBe(299);
  });
});

describe('a slow line', () => {
  it('carries everything once', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, '0.25.0');
    const values = taken(store);
    const proxy = await TcpProxy.start({ port: nats.port, latencyMs: 50, bytesPerS: 6_000 });
    cleanup(() => proxy.stop());
    const rig = startSiot(proxy, { remembered: { generation: 2 } });
    for (let n = 0; n < 150; n++) {
      put(rig.outbox, point(`k${String(n)}`, n));
      if (n % 15 === 0) put(rig.outbox, point('temp', n));
    }
    await until(() => delivered(rig), 'all delivered', 18_000);
    expect(values.at(-1)).toBe(135);
    expect(ascending(values)).toBe(true);
    const sent = store.counters.points;
    // Nodes and their descriptions besides.
    expect(sent).toBeLessThan(160 + 20);
    expect(warnings(rig)).toEqual([]);
  });
});

describe('a slow store', () => {
  it.each([2_000, 10_000])('that answers after %i ms gets all', async (delayMs) => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await startStore(nats.url, '0.25.0', { clock });
    const rig = startSiot(nats, { clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    store.delayReplies(delayMs);
    for (let n = 0; n < 300; n++) put(rig.outbox, point(`k${String(n)}`, n));
    for (let ms = 0; ms < 120_000 && !delivered(rig); ms += 500) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    expect(delivered(rig)).toBe(true);
    for (let key = 0; key < 300; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
  });

  it('that is slow from the start is still found', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await startStore(nats.url, '0.18.5', { clock });
    store.delayReplies(10_000);
    const rig = startSiot(nats, { clock, remembered: { generation: 2 } });
    put(rig.outbox, point('temp', 1));
    for (let ms = 0; ms < 90_000 && !delivered(rig); ms += 500) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    expect(store.point(NODE_ID, 'temp')?.number).toBe(1);
    expect(warnings(rig)).toContain('SIOT does not answer: points wait for it');
  });
});

describe('what NATS does not permit', () => {
  /** The server disconnects clients whose permissions change: this observer keeps its own. */
  const witness = { user: 'witness', pass: 'w' };
  const config = (permissions: string): string =>
    `authorization { users: [
      { user: u, password: p, permissions: { ${permissions} } }
      { user: ${witness.user}, password: ${witness.pass} }
    ] }`;

  /** With a user u, who may do that; and the way to change it. */
  async function permitting(permissions: string): Promise<[NatsServer, (changed: string) => void]> {
    const file = join(tempDir(), 'nats.conf');
    writeFileSync(file, config(permissions));
    const nats = await startNats({ args: ['-c', file] });
    return [
      nats,
      (changed) => {
        writeFileSync(file, config(changed));
        nats.signal('SIGHUP');
      },
    ];
  }
  const auth = { kind: 'user', user: 'u', password: 'p' } as const;

  it('is not lost without a store: it waits, the rest goes on, and it is delivered once permitted', async () => {
    const [nats, permit] = await permitting('publish: { allow: ">", deny: "p.dev-1.bad.>" }');
    const settings = { servers: [nats.url], auth };
    const seen = await watch(await rawClient(nats, witness), 2);
    const rig = startSiot(nats, { connection: settings, store: 'none' });
    for (let n = 0; n < 20; n++) put(rig.outbox, point('bad', n), point('temp', n));
    const numbers = (type: string): number[] =>
      seen.flatMap(({ points }) =>
        points.filter((p) => p.type === type).map((p) => numberOf(p.value)),
      );
    await until(() => new Set(numbers('temp')).size === 20, 'the rest');
    await until(() => rig.outbox.lane(NODE_ID).length === 20, 'only those to be left');
    expect(numbers('bad')).toEqual([]);
    expect(rig.siot.status.problem).toContain('does not permit publishing to p.dev-1.bad.0');
    permit('publish: { allow: ">" }');
    await until(() => delivered(rig), 'delivered');
    await until(() => new Set(numbers('bad')).size === 20, 'the others');
    expect([...new Set(numbers('bad'))]).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(rig.node.droppedPoints).toEqual([]);
  });

  it('with a store is tried again and again, and dropped when other points are taken', async () => {
    const [nats] = await permitting('publish: { allow: ">", deny: "p.dev-1.bad.>" }');
    const client = await rawClient(nats, { user: 'u', pass: 'p' });
    const store = await ScriptedStore.start(client, 2);
    const clock = new FakeClock();
    const rig = startSiot(nats, { connection: { servers: [nats.url], auth }, clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    put(rig.outbox, point('bad', 1));
    for (let n = 0; n < 2_000 && rig.node.droppedPoints.length === 0; n++) {
      put(rig.outbox, point('temp', n));
      clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(rig.node.droppedPoints.map(({ cause }) => cause)).toEqual(['notPermitted']);
    expect(warnings(rig).join()).toContain('does not permit publishing to p.dev-1.bad.0');
    expect(store.numbers('temp').length).toBeGreaterThan(10);
  });

  it('to be subscribed to is reported, and is heard once permitted', async () => {
    const [nats, permit] = await permitting('subscribe: { deny: "p.dev-1.>" }');
    const client = await rawClient(nats, { user: 'u', pass: 'p' });
    const clock = new FakeClock();
    const connection = { servers: [nats.url], auth };
    const rig = startSiot(nats, { connection, clock, store: 'none' });
    await until(() => rig.siot.status.problem !== undefined, 'shown');
    expect(rig.siot.status.problem).toContain('does not permit subscribing to p.dev-1.>');
    permit('subscribe: { deny: "other.>" }');
    const setting = WIRES[2].encode([point('limit', 1, { origin: 'me' })]);
    for (let ms = 0; ms < 60_000 && rig.node.heardPoints.length === 0; ms += 1_000) {
      clock.advance(1_000);
      client.publish('p.dev-1.limit.0', setting);
      await client.flush();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(rig.node.heardPoints[0]?.type).toBe('limit');
  });
});

describe('a cluster of NATS', () => {
  it('loses nothing when the server that the gateway is on dies, and then another', async () => {
    const cluster = await startCluster(3);
    cleanup(() => cluster.stop());
    const [first, second, third] = cluster.servers.map(({ url }) => url);
    const store = await startStore(third ?? '', '0.25.0');
    const values = taken(store);
    const rig = startSiot(first ?? '', { connection: { servers: [first ?? '', second ?? ''] } });
    await until(() => rig.node.events.includes('resend'), 'made');
    let n = 0;
    for (const dying of cluster.servers.slice(0, 2)) {
      for (const end = n + 200; n < end; n++)
        put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
      await dying.stop('SIGKILL');
      for (const end = n + 50; n < end; n++)
        put(rig.outbox, point('temp', n), point(`k${String(n)}`, n));
      await until(() => delivered(rig), 'all delivered', 15_000);
    }
    expect(ascending(values)).toBe(true);
    for (let key = 0; key < n; key++) {
      expect(store.point(NODE_ID, `k${String(key)}`)?.number).toBe(key);
    }
  });
});

describe('what SIOT cannot do now', () => {
  it('is reported: it answers queries and takes no points', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const client = await rawClient(nats);
    const store = await ScriptedStore.start(client, 2);
    const rig = startSiot(nats, { clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.pauseWrites();
    put(rig.outbox, point('temp', 1));
    for (let ms = 0; ms < 30_000; ms += 250) {
      clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 1));
      await client.flush();
    }
    expect(rig.siot.status.storeProblem).toContain('takes no points');
    const loud = rig.said.filter(({ level, message }) => level !== 'debug' && /SIOT/.test(message));
    expect(loud.length).toBeLessThan(8);
    await store.pause();
    await store.resume();
    for (let ms = 0; ms < 30_000 && !delivered(rig); ms += 250) {
      clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(delivered(rig)).toBe(true);
    expect(rig.siot.status.storeProblem).toBeUndefined();
  });

  it('is reported: the gateway’s node was deleted, so that a new link gets none until it is undeleted', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, '0.25.0');
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.edgeAs('user-1', GATEWAY_ID, store.rootId, { deleted: true });
    await until(() => rig.siot.status.storeProblem !== undefined, 'shown');
    expect(rig.siot.status.storeProblem).toContain('links without a node get none');
    expect(warnings(rig).filter((text) => text.includes('links without a node'))).toHaveLength(1);
    const handle = rig.siot.addNode(
      { id: 'dev-9', type: 'mcu', description: '', name: 'late' },
      {
        heard: () => undefined,
        read: () => undefined,
        life: () => undefined,
      },
    );
    expect(store.edges('dev-9')).toEqual([]);
    await store.edgeAs('user-1', GATEWAY_ID, store.rootId, { deleted: false });
    await until(() => handle.life === 'alive', 'the late one to get its node');
    expect(rig.siot.status.storeProblem).toBeUndefined();
  });

  it('does not delay points for longer than 10 s: the list of a node does not come', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await startStore(nats.url, '0.25.0', { clock });
    const rig = startSiot(nats, { clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    store.silent.add(NODE_ID);
    await store.leave();
    put(rig.outbox, point('temp', 1));
    await until(() => rig.siot.status.store === 'expected', 'noticed');
    await store.comeBack();
    for (let ms = 0; ms < 15_000 && !delivered(rig); ms += 250) {
      clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(store.point(NODE_ID, 'temp')?.number).toBe(1);
  });

  it('is cut when its text is long, and read quickly', () => {
    const long = 'point contains '.repeat(70_000);
    const from = performance.now();
    const receipt = readReceipt(Buffer.from(long));
    expect(performance.now() - from).toBeLessThan(2_000 * SLOWNESS);
    expect('text' in receipt && receipt.text.length).toBeLessThanOrEqual(4_096);
  });
});
