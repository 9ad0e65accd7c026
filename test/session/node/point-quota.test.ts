import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type Point,
} from '../../../src/point/point.js';
import {
  PointQuota,
  PointBudget,
  REPLY_BYTES,
  replyBytes,
} from '../../../src/session/node/point-quota.js';
import { WIRES } from '../../../src/siot/wire/wires.js';
import { decodeCompact } from '../../siot-store/codec-compact.js';
import { decodeProtobuf, encodeNodes } from '../../siot-store/codec-protobuf.js';
import { SessionHarness } from '../../support/session-harness.js';

const NOW = 1_767_323_045_678_901_234n;
const named = (type: string, value: Point['value'] = floatValue(1.5), given: Partial<Point> = {}) =>
  makePoint({ type, key: '0', value, time: NOW, ...given });
const names = (count: number, prefix = 't'): Point[] =>
  Array.from({ length: count }, (_, at) => named(`${prefix}${at}`));

function rig(maxPoints = 10, limit = 20_000) {
  const shared = new PointBudget(limit);
  let changes = 0;
  const make = (): PointQuota => new PointQuota(maxPoints, shared, () => void (changes += 1));
  return { shared, make, quota: make(), changes: () => changes };
}
const admitted = (quota: PointQuota, points: readonly Point[]): number =>
  points.filter((point) => quota.admit(point) === undefined).length;

describe('the bytes of a point in a reply', () => {
  const value = fc.oneof(
    fc.double({ noNaN: true }).map(floatValue),
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map(intValue),
    fc.string({ unit: 'binary', maxLength: 300 }).map(stringValue),
    fc.string({ maxLength: 20_000, minLength: 10_000 }).map(jsonValue),
  );
  const token = fc.stringMatching(/^[a-zé€𝄞]{1,60}$/u);
  const point = fc.record({
    type: token,
    key: token,
    value,
    time: fc.bigInt({ min: 347_155_200_000_000_000n, max: 1n << 62n }),
    tombstone: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    origin: fc.constantFrom('', '2f9c1f0a-8a6e-4a5b-9b6e-0d6a4a1f3c11'),
  });

  it.each([1, 2] as const)('are never fewer than estimated: generation %i', (generation) => {
    fc.assert(
      fc.property(point, (one) => {
        const payload = WIRES[generation].encode([one]);
        const stored = generation === 1 ? decodeProtobuf(payload) : decodeCompact(payload);
        const node = { id: '', type: '', parent: '', edgePoints: [], hash: 0 };
        const reply = encodeNodes([{ ...node, points: stored }]);
        const frame = encodeNodes([{ ...node, points: [] }]);
        // A longer node has a longer length before it, two bytes at most.
        expect(replyBytes(one) + 2).toBeGreaterThanOrEqual(
          (reply?.length ?? Infinity) - (frame?.length ?? 0),
        );
      }),
    );
  });

  it('are no more than half too many for small points', () => {
    expect(replyBytes(named('temp'))).toBeLessThan(45);
  });
});

describe('the quota of a node', () => {
  it('is a number of names; known ones go on, also with a text as long as before', () => {
    const { quota } = rig();
    expect(admitted(quota, names(15))).toBe(10);
    expect(quota.admit(named('t14'))).toBe('tooManyPoints');
    expect(quota.admit(named('t3', floatValue(9)))).toBeUndefined();
    expect(quota.admit(named('t3', floatValue(9), { key: '' }))).toBeUndefined();
    expect(quota.points).toBe(10);
  });

  it('is half a reply, counted in bytes of texts and names; what fits is still taken', () => {
    const { quota } = rig(5_000);
    const long = stringValue('x'.repeat(60_000));
    const texts = Array.from({ length: 20 }, (_, at) => named(`text${at}`, long));
    expect(admitted(quota, texts)).toBe(8);
    expect(quota.admit(named('text19', long))).toBe('tooManyBytes');
    expect(quota.admit(named('text19', stringValue('short')))).toBeUndefined();
    expect(quota.admit(named('text19', long))).toBe('tooManyBytes');
    expect(quota.admit(named('text0', stringValue('y'.repeat(60_000))))).toBeUndefined();
    expect(quota.bytes).toBeLessThan(REPLY_BYTES / 2);
  });

  it('has 5,000 points with names of ordinary length, and 20,000 for four links', () => {
    const shared = new PointBudget(20_000);
    const quotas = [1, 2, 3, 4, 5].map(() => new PointQuota(5_000, shared, () => undefined));
    const counts = quotas.map((quota) => admitted(quota, names(5_001, 'sensor')));
    expect(counts).toEqual([5_000, 5_000, 5_000, 5_000, 0]);
  });

  it('is part of the reply for all links: what they hold together stays below it', () => {
    const shared = new PointBudget(1_000_000);
    const quotas = Array.from({ length: 8 }, () => new PointQuota(50_000, shared, () => undefined));
    const long = names(4_000, 'a-rather-long-name-of-a-point-'.repeat(4));
    for (const quota of quotas) admitted(quota, long);
    const bytes = quotas.reduce((sum, quota) => sum + quota.bytes, 0);
    expect(bytes + quotas.length * 5_120 + 32_768).toBeLessThanOrEqual(REPLY_BYTES);
    expect(bytes).toBeGreaterThan(REPLY_BYTES * 0.9);
    quotas[0]?.release();
    expect(quotas[7]?.admit(named('now-there-is'))).toBeUndefined();
  });

  it('is the same after a restart', () => {
    const { quota, make } = rig();
    admitted(quota, names(10));
    const record = quota.record();
    quota.release();
    const next = make();
    next.restore(record);
    expect([next.points, next.bytes]).toEqual([10, quota.bytes || next.bytes]);
    expect(next.admit(named('other'))).toBe('tooManyPoints');
    expect(admitted(next, names(10))).toBe(10);
    expect(record.length).toBeLessThan(10 * 16);
  });

  it('accepts any text as a record: it counts what it has read of it, and gives all of that back', () => {
    const base64 = fc
      .uint8Array({ maxLength: 60, size: 'max' })
      .map((bytes) => Buffer.from(bytes).toString('base64'));
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      base64,
      fc.tuple(base64, base64).map((both) => both.join('.')),
    );
    let read = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const { quota, make } = rig(10, 10);
        quota.restore(text);
        read += quota.points;
        const record = quota.record();
        const [points, bytes] = [quota.points, quota.bytes];
        quota.release();
        const second = make();
        second.restore(record);
        expect([second.points, second.bytes]).toEqual([points, bytes]);
        second.release();
        expect(admitted(make(), names(11))).toBe(10);
      }),
    );
    expect(read).toBeGreaterThan(0);
  });

  it('counts what others have written, and nothing that the gateway makes', () => {
    const { quota } = rig(3);
    for (const type of ['rx', 'gatewayCount', 'connected', 'log', 'description'])
      quota.learn(named(type));
    expect(quota.points).toBe(0);
    quota.learn(named('limit', floatValue(1), { origin: 'user-1' }));
    expect(admitted(quota, names(5))).toBe(2);
    // Never refused, and never more than needed to know that it is full.
    for (const point of names(100, 'other')) quota.learn(point);
    expect(quota.points).toBe(3);
  });

  it('is corrected when SIOT is read: another store, or removed points, make room', () => {
    const { quota } = rig();
    admitted(quota, names(10));
    quota.read(names(4, 'stored'), names(2), false);
    expect(quota.points).toBe(6);
    expect(admitted(quota, names(10, 'new'))).toBe(4);
  });

  it('keeps names that may be on their way to SIOT', () => {
    const { quota } = rig();
    admitted(quota, names(8));
    quota.read(names(1, 'stored'), [], true);
    expect(quota.points).toBe(9);
  });

  it('reports a change to be saved, and counts nothing any more after its release', () => {
    const { quota, shared, changes } = rig();
    quota.admit(named('one'));
    expect(changes()).toBe(1);
    quota.admit(named('one'));
    expect(changes()).toBe(1);
    quota.release();
    quota.learn(named('two'));
    quota.read([named('three')], [], false);
    expect([quota.points, changes()]).toEqual([0, 1]);
    expect(shared.problem(20_000, 0)).toBeUndefined();
  });
});

describe('a device', () => {
  it('that invents names is stopped there: known points, settings and `log` go on', () => {
    const harness = SessionHarness.talking({ maxPoints: 5 });
    for (let at = 0; at < 20; at++) harness.points([{ type: `t${at}`, value: at }]);
    expect(harness.count('tooManyPoints')).toBe(16);
    const before = harness.published.length;
    harness.points([{ type: 'temp', value: 2 }]);
    harness.packet(9, 'log', Buffer.from('hello'));
    expect(harness.published.slice(before).map(({ type }) => type)).toEqual(['temp', 'log']);
    harness.set('limit', 1);
    expect(harness.takePoints()).toContain('limit=1');
    // All were acknowledged: a device that is refused would send for ever.
    expect(harness.count('outboxFull')).toBe(0);
  });

  it('whose text grows beyond the reply keeps its other points', () => {
    const harness = SessionHarness.talking({ maxFrameLength: 100_000 });
    const text = 'x'.repeat(60_000);
    for (let at = 0; at < 12; at++) harness.points([{ type: `t${at}`, value: at }]);
    for (let at = 0; at < 12; at++) harness.points([{ type: `t${at}`, value: text }]);
    expect(harness.count('tooManyBytes')).toBe(4);
    harness.points([{ type: 't11', value: 5 }]);
    expect(harness.published.at(-1)).toMatchObject({ type: 't11', value: { number: 5 } });
  });
});
