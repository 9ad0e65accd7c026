import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../../src/point/point.js';
import { numberOf } from '../../../src/point/point.js';
import { readReceipt } from '../../../src/siot/publishing/receipt.js';
import type { SiotNode } from '../../../src/siot/siot.js';
import type { Generation } from '../../../src/siot/wire/wire.js';
import { FakeClock } from '../../support/fake-clock.js';
import {
  delivered,
  NODE_ID,
  point,
  put,
  rawClient,
  startNats,
  startSiot,
  type Rig,
} from '../harness.js';
import { ScriptedStore } from '../scripted-store.js';
import { until } from '../../support/until.js';

interface Scene extends Rig {
  readonly nodeHandle: SiotNode;
  readonly store: ScriptedStore;
  readonly client: NatsConnection;
  readonly clock: FakeClock;
  /** Lets all messages that are on their way arrive, and time stand still. */
  settle(): Promise<void>;
  /** Moves the clock in steps, letting messages arrive between. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

/** A gateway whose node is made, with a clock that stands still. */
async function scene(generation: Generation): Promise<Scene> {
  const nats = await startNats();
  const client = await rawClient(nats);
  const probe = await rawClient(nats);
  const store = await ScriptedStore.start(client, generation);
  const clock = new FakeClock();
  const rig = startSiot(nats, { clock });
  await until(() => rig.node.events.includes('resend'), 'made');
  // The server works through each connection in order: what came before these
  // round trips has been answered after them.
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      await client.flush();
      await probe.flush();
    }
  };
  const pass = async (ms: number, stepMs = 250): Promise<void> => {
    await settle();
    for (let left = ms; left > 0; left -= stepMs) {
      clock.advance(Math.min(stepMs, left));
      await settle();
    }
  };
  return { ...rig, store, client, clock, settle, pass };
}

const isType =
  (type: string) =>
  (points: readonly Point[]): boolean =>
    points.some((p) => p.type === type);

describe('receipts', () => {
  it.each([
    ['', 'delivered'],
    [
      'node dev-4: point type "a.b" contains ".", which is not allowed in a point type',
      'forbidden',
    ],
    [
      'node dev-4: point (type ok) key "a\\t" contains "\\t", which is not allowed in a point key',
      'forbidden',
    ],
    ['error decoding node points subject', 'undecodable'],
    ['Error decoding points proto: cannot parse invalid wire-format data', 'undecodable'],
    ['database or disk is full', 'refused'],
    ['node type must be sent with new edges', 'refused'],
    ['error publishing point to inst.x.x.d.p..0: nats: no response from stream', 'refused'],
  ])('%j is %s', (text, kind) => {
    expect(readReceipt(Buffer.from(text)).kind).toBe(kind);
  });
});

describe.each<Generation>([1, 2])('a store of generation %i that refuses', (generation) => {
  it('a point for its characters does not get it again, and gets the others at once', async () => {
    const s = await scene(generation);
    const text = 'node dev-1: point type "bad" contains "d", which is not allowed in a point type';
    s.store.answer = (points) => (isType('bad')(points) ? text : '');
    put(s.outbox, point('temp', 1), point('bad', 1), point('flow', 1));
    await s.settle();
    if (generation === 1) await s.pass(1_000);
    expect(delivered(s)).toBe(true);
    expect(s.store.numbers('temp')).toEqual([1]);
    expect(s.store.numbers('flow')).toEqual([1]);
    const bad = s.store.received.filter(({ points }) => isType('bad')(points));
    expect(bad.length).toBe(generation === 1 ? 2 : 1);
    expect(s.node.droppedPoints.map(({ cause }) => cause)).toEqual(['forbiddenCharacter']);
  });

  it('one point for a while gets it later, before the newer ones of the same name', async () => {
    const s = await scene(generation);
    let refusals = 3;
    s.store.answer = (points) => (isType('temp')(points) && refusals-- > 0 ? 'busy' : '');
    put(s.outbox, point('temp', 1));
    put(s.outbox, point('temp', 2));
    put(s.outbox, point('temp', 3, { key: '0' }), point('flow', 1));
    await s.pass(500);
    expect(s.store.numbers('flow')).toEqual([1]);
    expect(s.store.numbers('temp')).toEqual([]);
    await s.pass(5_000);
    expect(delivered(s)).toBe(true);
    expect(s.store.numbers('temp')).toEqual([1, 2, 3]);
    expect(s.node.droppedPoints).toEqual([]);
  });

  it('one point for ever, and takes others, gets it 10 times', async () => {
    const s = await scene(generation);
    s.store.answer = (points) => (isType('bad')(points) ? 'I do not like it' : '');
    put(s.outbox, point('bad', 1));
    // Else it would share a message with the next point, which does not count.
    await s.settle();
    for (let i = 0; i < 500 && s.node.droppedPoints.length === 0; i++) {
      put(s.outbox, point('temp', i));
      await s.pass(400);
    }
    await s.settle();
    const tries = s.store.received.filter(({ points }) => isType('bad')(points)).length;
    expect(tries).toBe(10);
    expect(delivered(s)).toBe(true);
    expect(s.node.droppedPoints.map(({ cause }) => cause)).toEqual(['refusedByStore']);
    expect(s.said.some(({ message }) => message.includes('I do not like it'))).toBe(true);
  });

  it('everything is asked again, with pauses up to 30 s, and nothing is dropped', async () => {
    const s = await scene(generation);
    s.store.answer = () => 'disk full';
    for (let n = 0; n < 60; n++) {
      put(s.outbox, ...Array.from({ length: 5 }, (_, i) => point(`t${String(n)}-${String(i)}`, n)));
    }
    put(s.outbox, point('temp', 1));
    await s.pass(60_000);
    const { length } = s.store.received;
    await s.pass(600_000, 2_000);
    const tries = s.store.received.length - length;
    expect(tries).toBeGreaterThanOrEqual(15);
    expect(tries).toBeLessThanOrEqual(60);
    expect(s.outbox.lane(NODE_ID).length).toBe(301);
    s.store.answer = () => '';
    put(s.outbox, point('temp', 2));
    await s.pass(32_000);
    expect(delivered(s)).toBe(true);
    expect(s.store.numbers('temp')).toEqual([1, 2]);
    expect(s.node.droppedPoints).toEqual([]);
  });

  it('a status point gets its latest value later', async () => {
    const s = await scene(generation);
    s.store.answer = (points) => (isType('rx')(points) ? 'busy' : '');
    s.nodeHandle.status([point('rx', 1)]);
    await s.settle();
    s.nodeHandle.status([point('rx', 2)]);
    s.nodeHandle.status([point('rx', 3)]);
    await s.settle();
    s.store.answer = () => '';
    await s.pass(1_000);
    expect(s.store.numbers('rx')).toEqual([3]);
    await s.pass(60_000);
    expect(s.store.numbers('rx')).toEqual([3]);
  });

  it('nothing, but answers late, is not asked again, and its receipt counts', async () => {
    const s = await scene(generation);
    s.store.answer = () => undefined;
    put(s.outbox, point('temp', 1));
    await s.pass(6_250);
    const { length } = s.store.unanswered;
    expect(delivered(s)).toBe(false);
    s.store.unanswered[0]?.respond();
    s.store.unanswered.at(-1)?.respond();
    await s.settle();
    expect(delivered(s)).toBe(true);
    await s.pass(60_000);
    expect(s.store.unanswered.length).toBe(length);
  });

  it('nothing, but does not answer, is asked again', async () => {
    const s = await scene(generation);
    s.store.answer = (points) => (isType('temp')(points) ? undefined : '');
    put(s.outbox, point('temp', 1), point('temp', 2));
    put(s.outbox, point('flow', 1));
    await s.pass(4_000);
    expect(s.store.received.filter(({ points }) => isType('temp')(points)).length).toBe(1);
    s.store.answer = () => '';
    await s.pass(8_000);
    expect(delivered(s)).toBe(true);
    expect(s.store.numbers('temp')).toEqual([1, 2]);
  });

  it('to listen, but answers queries, is not asked too often', async () => {
    const s = await scene(generation);
    await s.store.pauseWrites();
    put(s.outbox, point('temp', 1));
    await s.pass(60_000);
    const looks = s.said.filter(({ message }) => message.includes('looked for again')).length;
    expect(looks).toBeGreaterThanOrEqual(10);
    expect(looks).toBeLessThanOrEqual(25);
    expect(delivered(s)).toBe(false);
    await s.store.pause();
    await s.store.resume();
    await s.pass(6_000);
    expect(delivered(s)).toBe(true);
    expect(s.store.numbers('temp')).toEqual([1]);
  });

  it('to decode is asked for its generation; the same answer again is an error like others', async () => {
    const s = await scene(generation);
    s.store.answer = (points) =>
      isType('odd')(points) ? 'error decoding node points subject' : '';
    put(s.outbox, point('odd', 1));
    put(s.outbox, point('temp', 1));
    await s.pass(1_000);
    expect(s.store.numbers('temp')).toEqual([1]);
    expect(s.said.filter(({ message }) => message.includes('looked for again')).length).toBe(1);
    const before = s.store.received.length;
    await s.pass(3_000);
    const tries = s.store.received.length - before;
    expect(tries).toBeGreaterThanOrEqual(1);
    expect(tries).toBeLessThanOrEqual(3);
    s.store.answer = () => '';
    await s.pass(30_000);
    expect(s.store.numbers('odd')).toEqual([1]);
  });
});

describe('two replies', () => {
  it.each([
    ['an error, then success', ['busy', ''], false],
    ['success, then an error', ['', 'busy'], true],
  ])('%s: the first decides', async (_name, replies, taken) => {
    const s = await scene(1);
    s.store.answer = () => replies;
    put(s.outbox, point('temp', 1));
    await s.settle();
    expect(delivered(s)).toBe(taken);
    s.store.answer = () => '';
    await s.pass(1_000);
    expect(delivered(s)).toBe(true);
    expect(s.store.numbers('temp')).toEqual([1]);
  });
});

describe('generation 1 in batches', () => {
  it('never has two points of one message that read the same', async () => {
    const s = await scene(1);
    const types = ['temp', 'temp1', 'temp10', 't'];
    const keys = ['', '0', '1', '10', '00', 'emp'];
    const order = new Map<string, number[]>();
    let seed = 7;
    const draw = (below: number): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    for (let n = 0; n < 400; n++) {
      const type = types[draw(types.length)] ?? '';
      const key = keys[draw(keys.length)] ?? '';
      const name = `${type}/${key === '' ? '0' : key}`;
      order.set(name, [...(order.get(name) ?? []), n]);
      put(s.outbox, point(type, n, { key }));
    }
    for (let i = 0; i < 200 && !delivered(s); i++) await s.settle();
    const got = new Map<string, number[]>();
    for (const { points } of s.store.accepted) {
      const names = points.map((p) => p.type + p.key);
      expect(new Set(names).size).toBe(names.length);
      for (const p of points) {
        if (p.type === 'description' || p.type === 'versionApp') continue;
        const name = `${p.type}/${p.key}`;
        got.set(name, [...(got.get(name) ?? []), numberOf(p.value)]);
      }
    }
    expect(got).toEqual(order);
  });
});
