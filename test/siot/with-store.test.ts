import { describe, expect, it } from 'vitest';
import { floatValue, makePoint, numberOf } from '../../src/point/point.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import type { Generation } from '../../src/siot/wire/wire.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { FakeClock } from '../support/fake-clock.js';
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
  watch,
} from './harness.js';
import { ScriptedStore } from './scripted-store.js';
import { until } from '../support/until.js';

const GENERATIONS: Generation[] = [1, 2];
const subjectOf = (generation: Generation, id: string, type: string): string =>
  generation === 1 ? `p.${id}` : `p.${id}.${type}.0`;
const edgeOf = (generation: Generation, id: string, parent: string): string =>
  `${generation === 1 ? 'p' : 'ep'}.${id}.${parent}`;

describe.each(GENERATIONS)('a store of generation %i', (generation) => {
  it('is found, remembered, gets the nodes in order, and then the points', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats, {}, false);
    put(rig.outbox, point('temp', 1));
    rig.siot.start();
    await until(() => rig.node.events.includes('resend'), 'the node is made');
    await until(() => delivered(rig), 'delivered');
    expect(rig.siot.status).toEqual({ generation, store: 'answers', nats: 'connected' });
    expect(rig.remembered).toEqual([{ generation }]);
    expect(rig.node.events).toEqual(['alive', 'read', 'resend']);
    expect(rig.node.readPoints[0]?.map(({ type }) => type)).toEqual(['description']);
    const writes = store.subjects.filter((subject) => !subject.startsWith('nodes.'));
    expect(writes).toEqual([
      subjectOf(generation, GATEWAY_ID, 'description'),
      ...(generation === 2 ? [subjectOf(generation, GATEWAY_ID, 'versionApp')] : []),
      edgeOf(generation, GATEWAY_ID, 'root-1'),
      subjectOf(generation, NODE_ID, 'description'),
      edgeOf(generation, NODE_ID, GATEWAY_ID),
      subjectOf(generation, NODE_ID, 'temp'),
    ]);
    expect(store.nodes.get(GATEWAY_ID)?.type).toBe('mcuGateway');
    expect(store.nodes.get(NODE_ID)?.type).toBe('mcu');
    expect(store.numbers('temp')).toEqual([1]);
  });

  it('keeps a node that people have moved, described and filled', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const setting = point('limit', 7, { key: '0', origin: 'user-1' });
    store.nodes.set(NODE_ID, {
      type: 'mcu',
      points: new Map([['limit 0', setting]]),
      edges: new Map([
        [GATEWAY_ID, 1],
        ['group-1', 0],
      ]),
    });
    const rig = startSiot(nats, { remembered: { generation } });
    await until(() => rig.node.events.includes('read'), 'read');
    expect(rig.node.events).toEqual(['alive', 'read']);
    expect(rig.node.readPoints).toEqual([[setting]]);
    expect(store.subjects.filter((subject) => subject.includes('p.dev-1'))).toEqual([]);
  });

  it('that answers for the first time gets the newest of each point, though it has the node', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    for (const [id, parent] of [[GATEWAY_ID, 'root-1'] as const, [NODE_ID, GATEWAY_ID] as const]) {
      store.nodes.set(id, { type: 'mcu', points: new Map(), edges: new Map([[parent, 0]]) });
    }
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('read'), 'read');
    expect(rig.node.events).toEqual(['alive', 'read', 'resend']);
  });

  it('that goes away leaves nothing on its way: where only the newest counts, only that is kept', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats);
    rig.outbox.lane(NODE_ID, { backlog: 'latest', onSuperseded: () => undefined });
    await until(() => rig.node.events.includes('resend'), 'made');
    store.answer = () => undefined;
    for (let n = 0; n < 50; n++) put(rig.outbox, point('temp', n));
    await until(() => store.unanswered.length > 0, 'on its way');
    expect(rig.outbox.lane(NODE_ID).length).toBeGreaterThan(1);
    await store.pause();
    put(rig.outbox, point('flow', 1));
    await until(() => rig.siot.status.store === 'expected', 'noticed');
    put(rig.outbox, point('temp', 50));
    expect(rig.outbox.lane(NODE_ID).length).toBe(2);
  });

  it('that goes away while nothing is published is noticed all the same', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats, { clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.pause();
    for (let ms = 0; ms < 40_000 && rig.siot.status.store === 'answers'; ms += 1_000) {
      clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(rig.siot.status.store).toBe('expected');
  });

  it('that falls silent is searched for again, also where NATS does not report that nobody answers', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    (await rawClient(nats)).subscribe('>', { callback: () => undefined });
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats, { clock });
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.pause();
    put(rig.outbox, point('temp', 1));
    for (let ms = 0; ms < 15_000 && rig.siot.status.store === 'answers'; ms += 500) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(rig.siot.status.store).toBe('expected');
    // Nothing can be set meanwhile either, and nothing of it goes past SIOT.
    await expect(rig.siot.publishSetting(NODE_ID, point('limit', 7))).rejects.toThrow(
      'SIOT does not answer',
    );
    expect(delivered(rig)).toBe(false);
    await store.resume();
    for (let ms = 0; ms < 60_000 && !delivered(rig); ms += 500) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(store.numbers('temp')).toEqual([1]);
    expect(store.numbers('limit')).toEqual([]);
  });

  it('never gets a deleted node back; its points are dropped until somebody undeletes it', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    store.publishEdge(NODE_ID, GATEWAY_ID, 1);
    await until(() => rig.nodeHandle.life === 'deleted', 'deleted');
    const before = store.subjects.length;
    put(rig.outbox, point('temp', 1), point('temp', 2));
    rig.nodeHandle.status([point('connected', 1)]);
    expect(delivered(rig)).toBe(true);
    expect(rig.node.droppedPoints.map(({ cause, points }) => [cause, points.length])).toEqual([
      ['nodeDeleted', 2],
    ]);
    store.publishEdge(NODE_ID, GATEWAY_ID, 0);
    await until(() => rig.nodeHandle.life === 'alive', 'alive again');
    put(rig.outbox, point('temp', 3));
    await until(() => delivered(rig), 'delivered');
    expect(rig.node.events.slice(3)).toEqual(['deleted', 'alive', 'read', 'resend']);
    const writes = store.subjects.slice(before).filter((subject) => !subject.startsWith('nodes.'));
    expect(
      writes.filter((subject) => !subject.startsWith(edgeOf(generation, NODE_ID, ''))),
    ).toEqual([subjectOf(generation, NODE_ID, 'temp')]);
    expect(store.numbers('temp')).toEqual([3]);
    expect(rig.said.filter(({ message }) => message.includes('somebody deleted')).length).toBe(1);
  });

  it('has a node that was deleted while the gateway was away, and the gateway notices it', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const edges = new Map([[GATEWAY_ID, 1]]);
    store.nodes.set(NODE_ID, { type: 'mcu', points: new Map(), edges });
    const rig = startSiot(nats, { remembered: { generation } }, false);
    put(rig.outbox, point('temp', 1));
    rig.nodeHandle.status([point('connected', 1)]);
    rig.siot.start();
    await until(() => rig.nodeHandle.life === 'deleted', 'deleted');
    expect(delivered(rig)).toBe(true);
    expect(rig.node.events).toEqual(['deleted']);
    // Whatever there was of it would have gone before this.
    const other = rig.outbox.lane('dev-2');
    other.put([point('temp', 1)], () => undefined);
    await until(() => other.length === 0, 'another to be delivered');
    expect(store.received.filter(({ subject }) => subject.includes(NODE_ID))).toEqual([]);
  });

  it('is the only one whose receipt counts, also while it is down', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const store = await ScriptedStore.start(client, generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.pause();
    for (let n = 0; n < 300; n++) put(rig.outbox, point('temp', n), point('flow', n));
    await until(() => rig.siot.status.store === 'expected', 'noticed');
    await client.flush();
    expect(rig.outbox.lane(NODE_ID).length).toBe(600);
    await store.resume();
    await until(() => delivered(rig), 'all delivered');
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    expect(store.numbers('temp')).toEqual(numbers);
    expect(store.numbers('flow')).toEqual(numbers);
    expect(rig.node.events).toEqual(['alive', 'read', 'resend', 'read']);
  });

  it('that starts later is found, and gets the newest of each point', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const seen = await watch(client, 2);
    const rig = startSiot(nats);
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'bridged without a store');
    expect(seen.map(({ subject }) => subject)).toEqual(['p.dev-1.temp.0']);
    expect(rig.siot.status).toEqual({ generation: 2, store: 'none', nats: 'connected' });
    const store = await ScriptedStore.start(client, generation);
    await until(() => rig.node.events.includes('resend'), 'found');
    put(rig.outbox, point('temp', 2));
    await until(() => delivered(rig), 'delivered');
    expect(rig.siot.status.generation).toBe(generation);
    expect(store.numbers('temp')).toEqual([2]);
  });

  it('sets the pace by its receipts, with the lanes in turn and each point in order', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    const other = rig.outbox.lane('dev-2');
    const types = Array.from({ length: 40 }, (_, i) => `t${String(i)}`);
    for (let n = 0; n < 200; n++) {
      put(rig.outbox, ...types.map((type) => point(type, n)));
      if (n === 100) other.put([point('late', 1)], () => undefined);
    }
    let lateAt = -1;
    await until(() => {
      if (lateAt < 0 && other.length === 0) lateAt = rig.outbox.lane(NODE_ID).length;
      return delivered(rig) && other.length === 0;
    }, 'all delivered');
    expect(lateAt).toBeGreaterThan(4_000);
    const numbers = Array.from({ length: 200 }, (_, n) => n);
    for (const type of types) expect(store.numbers(type)).toEqual(numbers);
    const largest = Math.max(...store.received.map(({ points }) => points.length));
    expect(largest).toBe(generation === 1 ? 40 : 1);
  });

  it('loses nothing when NATS is killed between, and keeps each point in order', async () => {
    const nats = await NatsServer.start();
    cleanup(() => nats.stop());
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    let n = 0;
    for (; n < 400; n++) put(rig.outbox, point('temp', n), point(`t${String(n % 9)}`, n));
    await until(() => store.numbers('temp').length > 20, 'some delivered');
    await nats.stop('SIGKILL');
    for (; n < 600; n++) put(rig.outbox, point('temp', n));
    const again = await NatsServer.start({ port: nats.port });
    cleanup(() => again.stop());
    const second = await ScriptedStore.start(await rawClient(again), generation, store.nodes);
    await until(() => delivered(rig), 'all delivered');
    const first = store.numbers('temp');
    const all = [...first, ...second.numbers('temp')];
    expect(new Set(all).size).toBe(600);
    for (const part of [first, second.numbers('temp')]) {
      expect(part).toEqual([...part].sort((a, b) => a - b));
    }
    expect(rig.node.events.slice(3)).toEqual(['read']);
  });

  it('gets its nodes anew when it was exchanged for an empty one', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const store = await ScriptedStore.start(client, generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.pause();
    put(rig.outbox, point('temp', 1));
    await until(() => rig.siot.status.store === 'expected', 'noticed');
    const empty = await ScriptedStore.start(client, generation);
    await until(() => rig.node.events.length === 5, 'made anew');
    expect(rig.node.events.slice(3)).toEqual(['read', 'resend']);
    expect(empty.nodes.get(NODE_ID)?.edges.get(GATEWAY_ID)).toBe(0);
  });

  it('gets all nodes anew when it was exchanged while nothing was published', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const store = await ScriptedStore.start(client, generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.pause();
    const empty = await ScriptedStore.start(client, generation);
    // Whatever makes the gateway look at its own node: here somebody touches its edge.
    const edge = makePoint({ type: 'x', value: floatValue(0), time: 1n, origin: 'user' });
    client.publish(
      WIRES[generation].edgeSubject(GATEWAY_ID, 'elsewhere'),
      WIRES[generation].encode([edge]),
    );
    await until(() => empty.nodes.get(NODE_ID)?.edges.get(GATEWAY_ID) === 0, 'made anew');
    await until(() => rig.node.events.filter((event) => event === 'resend').length === 2, 'resend');
  });

  it('whose root is not known yet is never given a node of parent root', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    store.answerQuery = (subject) => (subject === 'nodes.root.all' ? 'not now' : '');
    const rig = startSiot(nats, { remembered: { generation } });
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'points go out all the same');
    expect(store.subjects.filter((subject) => /root$/.test(subject))).toEqual([]);
    store.answerQuery = () => '';
    await until(() => rig.node.events.includes('resend'), 'made at last');
    expect(store.nodes.get(GATEWAY_ID)?.edges.get('root-1')).toBe(0);
  });

  it('without the configured parent gets no nodes, and the log says what to do', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats, { parent: 'group-9' });
    const complaint = (): boolean =>
      rig.said.some(({ level, message }) => level === 'error' && message.includes('group-9'));
    await until(complaint, 'complained');
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'points go out');
    store.nodes.set('group-9', {
      type: 'group',
      points: new Map(),
      edges: new Map([['root-1', 0]]),
    });
    await until(() => rig.node.events.includes('resend'), 'made at last');
    expect(store.nodes.get(GATEWAY_ID)?.edges.get('group-9')).toBe(0);
  });

  it('takes a setting of a person with its receipt, or says why not', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), generation);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    await rig.siot.publishSetting(NODE_ID, point('limit', 5, { origin: 'me' }));
    expect(store.numbers('limit')).toEqual([5]);
    store.answer = () => 'disk full';
    await expect(rig.siot.publishSetting(NODE_ID, point('limit', 6))).rejects.toThrow('disk full');
    await store.pause();
    await expect(rig.siot.publishSetting(NODE_ID, point('limit', 7))).rejects.toThrow(
      'SIOT does not answer',
    );
  });
});

describe('a store that changes its generation in place', () => {
  it('gets what was left in the encoding it has now', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const old = await ScriptedStore.start(client, 1);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'delivered');
    client.publish('p.dev-1', WIRES[1].encode([point('limit', 1, { origin: 'me' })]));
    await until(() => rig.node.heardPoints.length === 1, 'heard in the encoding of before');
    await old.pause();
    const fresh = await ScriptedStore.start(client, 2, old.nodes);
    for (let n = 2; n < 100; n++) put(rig.outbox, point('temp', n));
    await until(() => delivered(rig), 'delivered to the new one');
    expect(rig.siot.status).toEqual({ generation: 2, store: 'answers', nats: 'connected' });
    expect(rig.remembered).toEqual([{ generation: 1 }, { generation: 2 }]);
    expect(fresh.numbers('temp')).toEqual(Array.from({ length: 98 }, (_, n) => n + 2));
    expect(fresh.accepted[0]?.subject).toBe('p.dev-1.temp.0');
    client.publish('p.dev-1.limit.0', WIRES[2].encode([point('limit', 1, { origin: 'me' })]));
    await until(() => rig.node.heardPoints.length === 2, 'heard in the new encoding');
  });
});

describe('store: required', () => {
  it('holds everything back until one answers', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const seen = await watch(client, 2);
    const rig = startSiot(nats, { store: 'required' });
    put(rig.outbox, point('temp', 1));
    await until(() => rig.siot.status.nats === 'connected', 'connected');
    expect(rig.siot.status.store).toBe('expected');
    const store = await ScriptedStore.start(client, 2);
    await until(() => delivered(rig), 'delivered');
    expect(store.received.at(-1)?.points.map((p) => numberOf(p.value))).toEqual([1]);
    // Nothing came before the store's own nodes, and nothing without asking for a receipt.
    expect(seen[0]?.subject).toBe('p.gw-1.description.0');
    expect(seen.filter(({ reply }) => reply === '')).toEqual([]);
  });
});
