/**
 * Whatever is done to an outbox, in whatever order, held against a plain model
 * of what it promises: on disk, over closings and losses of power while the disk
 * fails or not, and in memory.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { MemoryOutbox } from '../../src/outbox/memory-outbox.js';
import type { Outbox, OutboxLane } from '../../src/outbox/outbox.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint, numberOf } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { SimDisk } from './sim-disk.js';

/** So little that it is full now and then. */
const MAX_BYTES = 24_000;
/** Points have some size. */
const KEY = 'k'.repeat(40);
const NODES = ['all', 'also', 'newest'] as const;
type NodeId = (typeof NODES)[number];
const FAILING = ['create', 'write', 'sync', 'syncFolder', 'remove', 'truncate'] as const;

/** What is known of a point that was taken. */
interface Known {
  readonly id: number;
  readonly position: number;
  readonly type: string;
  readonly time: number;
  safe: boolean;
  settled: boolean;
  /** Settled, and a flush or closing has ended since: it does not come again. */
  noted: boolean;
}

const isNewer = (a: Known, b: Known): boolean =>
  a.type === b.type && (a.time === b.time ? a.id > b.id : a.time > b.time);

function must(holds: boolean, what: string, one: Known): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(one)}`);
}

class LaneModel {
  /** By position. */
  known: Known[] = [];
  /** Settled, but not marked on disk; a disk that did not sync may bring them back. */
  #gone: Known[] = [];
  next = 0;
  claimed = 0;
  /** Something was on its way that may not be any more. */
  wasClaimed = false;
  leaving = false;

  constructor(readonly nodeId: NodeId) {}

  get isNewestOnly(): boolean {
    return this.nodeId === 'newest';
  }

  copy(): LaneModel {
    const copy = new LaneModel(this.nodeId);
    copy.known = this.known.map((one) => ({ ...one }));
    copy.#gone = this.#gone;
    return copy;
  }

  waiting(): Known[] {
    return this.known.filter(({ settled }) => !settled);
  }

  /** Takes a look at the lane, and what it has given up for something newer as settled. */
  check(lane: OutboxLane | undefined): void {
    const found = lane === undefined ? [] : idsOf(lane);
    let waiting = this.waiting();
    if (this.isNewestOnly) {
      const there = new Set(found);
      for (const one of waiting) {
        if (there.has(one.id)) continue;
        // What is on its way is never given up, nor what nothing newer stands in for.
        must(one.position >= this.claimed, 'was on its way, and given up', one);
        const newer = this.known.some(
          (other) => (other.safe || other.settled) && isNewer(other, one),
        );
        must(newer, 'given up for nothing', one);
        one.settled = true;
      }
      waiting = this.waiting();
    }
    expect(found).toEqual(waiting.map(({ id }) => id));
    if (lane === undefined) return;
    expect(lane.length).toBe(waiting.length);
    expect(lane.next).toBe(this.next);
    expect(lane.first).toBe(waiting[0]?.position ?? this.next);
    for (const one of waiting) {
      const found = lane.read(one.position);
      must(found !== undefined && numberOf(found.value) === one.id, 'is not in its place', one);
    }
    if (waiting.length === 0) expect(Math.abs(lane.used)).toBeLessThan(1e-9);
    else expect(lane.used).toBeGreaterThan(0);
  }

  /** The power went, and the outbox was opened on what it has left. */
  checkAfterCrash(lane: OutboxLane | undefined): void {
    const there = new Set(lane === undefined ? [] : idsOf(lane));
    const gone: Known[] = [];
    const all = [...this.known, ...this.#gone];
    const known = all.filter((one) => {
      const { id, safe, settled, noted } = one;
      if (there.has(id)) {
        must(!noted, 'settled and noted, and comes again', one);
        // The publisher had settled it, and nothing had noted that.
        one.settled = false;
        one.safe = true;
        return true;
      }
      const stands = (other: Known): boolean =>
        isNewer(other, one) && (other.settled || there.has(other.id));
      const replaced = this.isNewestOnly && all.some(stands);
      must(!safe || settled || replaced, 'safe and lost', one);
      if (!noted) gone.push({ ...one, safe: false });
      return noted;
    });
    this.known = known.toSorted((a, b) => a.position - b.position);
    this.#gone = gone;
    this.next = lane?.next ?? 0;
    this.check(lane);
  }
}

function idsOf(lane: OutboxLane): number[] {
  const ids: number[] = [];
  for (let at = lane.first; at < lane.next; at++) {
    const point = lane.read(at);
    if (point !== undefined) ids.push(numberOf(point.value));
  }
  return ids;
}

/** Where the outbox lives. */
interface Place {
  clock: FakeClock;
  disk: SimDisk | undefined;
}

class World {
  readonly place: Place;
  outbox!: Outbox;
  lanes = new Map(NODES.map((nodeId) => [nodeId, new LaneModel(nodeId)]));
  #lastId = 0;
  /** The state when the power went. */
  #crash: { readonly disk: SimDisk; readonly lanes: Map<NodeId, LaneModel> } | undefined;

  constructor(disk: SimDisk | undefined) {
    this.place = { clock: new FakeClock(), disk };
  }

  async open(): Promise<void> {
    const { disk, clock } = this.place;
    this.outbox =
      disk === undefined
        ? new MemoryOutbox({ maxBytes: MAX_BYTES })
        : await DiskOutbox.open({
            folder: disk,
            maxBytes: MAX_BYTES,
            clock,
            log: SILENT_LOG,
            reasonOf: String,
          });
  }

  /** The lane as somebody asks for it who puts points in. */
  ask(nodeId: NodeId): OutboxLane {
    const model = this.lanes.get(nodeId)!;
    const had = this.find(nodeId) !== undefined;
    model.leaving = false;
    const lane = model.isNewestOnly
      ? this.outbox.lane(nodeId, { backlog: 'latest', onSuperseded: () => undefined })
      : this.outbox.lane(nodeId);
    if (!had) {
      if (model.isNewestOnly) model.claimed = lane.claimed;
      // In memory, a lane that was forgotten begins anew; on disk no position is used twice.
      if (this.place.disk === undefined) {
        model.next = 0;
        model.known = [];
      } else if (model.next < lane.next) model.next = lane.next;
    }
    return lane;
  }

  find(nodeId: NodeId): OutboxLane | undefined {
    return [...this.outbox.lanes()].find((lane) => lane.nodeId === nodeId);
  }

  put(nodeId: NodeId, sizes: readonly { readonly type: number; readonly age: number }[]): void {
    const lane = this.ask(nodeId);
    const model = this.lanes.get(nodeId)!;
    const batch = sizes.map(({ type, age }, i): Known => {
      const id = ++this.#lastId;
      const position = model.next + i;
      const time = id - age;
      return { id, position, type: `t${type}`, time, safe: false, settled: false, noted: false };
    });
    const points = batch.map(({ id, type, time }) =>
      makePoint({ type, key: KEY, value: floatValue(id), time: BigInt(time) }),
    );
    // Before it is known whether they are taken: in memory they are safe at once.
    const before = model.known;
    const next = model.next;
    model.known = [...before, ...batch];
    model.next += batch.length;
    const safe = (): void => batch.forEach((one) => (one.safe = true));
    const isEmpty = lane.length === 0;
    if (lane.put(points, safe)) {
      if (!isEmpty) this.#expectWithinShares(lane);
      return;
    }
    expect(lane.length).toBeGreaterThan(0);
    model.known = before;
    model.next = next;
  }

  #expectWithinShares(lane: OutboxLane): void {
    expect(lane.used).toBeLessThanOrEqual(1);
    if (this.place.disk === undefined) return;
    const lanes = [...this.outbox.lanes()];
    const used = lanes.reduce((sum, one) => sum + one.used, 0);
    expect(used).toBeLessThanOrEqual(lanes.length + 1e-9);
  }

  settle(nodeId: NodeId, offset: number, through: boolean): void {
    const lane = this.find(nodeId);
    if (lane === undefined) return;
    const { known } = this.lanes.get(nodeId)!;
    const at = lane.first + offset;
    for (const one of known) {
      if (through ? one.position <= at : one.position === at) one.settled = true;
    }
    if (through) lane.settleThrough(at);
    else lane.settle(at);
  }

  claim(offset: number): void {
    const lane = this.find('newest');
    const model = this.lanes.get('newest')!;
    if (lane === undefined || lane.claimed === Number.POSITIVE_INFINITY) return;
    const position = offset < 0 ? 0 : Math.min(lane.next, lane.first + offset);
    model.claimed = Math.min(model.claimed, position);
    lane.claimBefore(position);
    model.check(lane);
    model.claimed = position;
    model.wasClaimed ||= position > 0;
  }

  release(nodeId: NodeId): void {
    this.outbox.release(nodeId);
    this.lanes.get(nodeId)!.leaving = true;
  }

  async flush(): Promise<void> {
    if (!(this.outbox instanceof DiskOutbox)) {
      this.#oneOfEach();
      return;
    }
    const settled = this.#settled();
    const done = await this.outbox.flush().then(
      () => true,
      () => false,
    );
    if (!done) return;
    for (const one of settled) one.noted = true;
    for (const model of this.lanes.values())
      for (const one of model.waiting()) must(one.safe, 'not safe', one);
    this.#oneOfEach();
  }

  /** Where all is safe, of each type only the newest waits, but for what is or was on its way. */
  #oneOfEach(): void {
    const lane = this.find('newest');
    const model = this.lanes.get('newest')!;
    if (lane === undefined || lane.claimed === Number.POSITIVE_INFINITY) return;
    model.check(lane);
    if (!model.wasClaimed) this.#expectOneOfEach(model);
    lane.claimBefore(lane.next);
    lane.claimBefore(0);
    model.claimed = 0;
    model.wasClaimed = false;
    model.check(lane);
    this.#expectOneOfEach(model);
  }

  #expectOneOfEach(model: LaneModel): void {
    const types = model.waiting().map(({ type }) => type);
    expect(types.toSorted()).toEqual([...new Set(types)].toSorted());
  }

  async reopen(): Promise<void> {
    const { disk } = this.place;
    if (disk === undefined) return;
    for (const [nodeId, model] of this.lanes) model.check(this.find(nodeId));
    const settled = this.#settled();
    const isWell = disk.fails === undefined;
    await this.outbox.close();
    if (isWell) {
      for (const one of settled) one.noted = true;
      for (const model of this.lanes.values()) for (const one of model.waiting()) one.safe = true;
    }
    await this.#openAgain();
  }

  #settled(): Known[] {
    return [...this.lanes.values()].flatMap(({ known }) => known.filter(({ settled }) => settled));
  }

  /** The power goes before the given call of the disk that comes while `ms` pass, or then. */
  async crash(calls: number, ms: number, seed: number): Promise<void> {
    const { disk, clock } = this.place;
    if (disk === undefined) return;
    let left = calls;
    const now = (): void => {
      const lanes = new Map([...this.lanes].map(([nodeId, model]) => [nodeId, model.copy()]));
      this.#crash ??= { disk: disk.afterCrash(seed), lanes };
    };
    disk.onCall = () => {
      if (left-- === 0) now();
    };
    await clock.advanceAsync(ms);
    now();
    disk.onCall = undefined;
    // The run that has ended makes no more calls back.
    this.place.disk = this.#crash!.disk;
    this.lanes = this.#crash!.lanes;
    this.#crash = undefined;
    this.place.clock = new FakeClock();
    await this.#openAgain();
  }

  async #openAgain(): Promise<void> {
    // Where it cannot be synced then, what is found is not safe.
    const { disk } = this.place;
    const fails = disk?.fails;
    if (disk !== undefined) disk.fails = undefined;
    await this.open();
    if (disk !== undefined) disk.fails = fails;
    for (const [nodeId, model] of this.lanes) {
      model.claimed = 0;
      model.wasClaimed = false;
      model.leaving = true;
      model.checkAfterCrash(this.find(nodeId));
    }
  }

  check(): void {
    for (const [nodeId, model] of this.lanes) {
      const lane = this.find(nodeId);
      if (model.leaving) expect(lane === undefined).toBe(model.waiting().length === 0);
      model.check(lane);
    }
  }
}

const node = fc.constantFrom(...NODES);
const batch = fc.array(
  fc.record({
    type: fc.nat(5),
    age: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(30)),
  }),
  { minLength: 1, maxLength: 30, size: 'max' },
);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ put: batch, node }) },
  { weight: 4, arbitrary: fc.record({ settle: fc.integer({ min: -2, max: 40 }), node }) },
  { weight: 3, arbitrary: fc.record({ through: fc.integer({ min: -2, max: 200 }), node }) },
  { weight: 2, arbitrary: fc.record({ claim: fc.integer({ min: -1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ release: node }) },
  { weight: 6, arbitrary: fc.record({ pass: fc.constantFrom(0, 1, 4, 300, 1_100, 12_000) }) },
  { weight: 2, arbitrary: fc.record({ flush: fc.constant(true) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      fails: fc.option(fc.subarray([...FAILING], { minLength: 1 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ reopen: fc.constant(true) }) },
  {
    weight: 2,
    arbitrary: fc.record({ crash: fc.nat(6), ms: fc.constantFrom(0, 5, 1_200), seed: fc.nat() }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function act(world: World, one: Step): Promise<void> {
  const { disk, clock } = world.place;
  if ('put' in one) world.put(one.node, one.put);
  else if ('settle' in one) world.settle(one.node, one.settle, false);
  else if ('through' in one) world.settle(one.node, one.through, true);
  else if ('claim' in one) world.claim(one.claim);
  else if ('release' in one) world.release(one.release);
  else if ('pass' in one) await clock.advanceAsync(one.pass);
  else if ('flush' in one) await world.flush();
  else if ('reopen' in one) await world.reopen();
  else if ('crash' in one) await world.crash(one.crash, one.ms, one.seed);
  else if (disk !== undefined) {
    const failing: readonly string[] | undefined = one.fails;
    disk.fails =
      failing && ((call) => (failing.includes(call) ? new Error(`no ${call}`) : undefined));
  }
}

const SEED = 20_260_728;

describe(`an outbox does what it promises, whatever comes (seed ${SEED})`, () => {
  it.each([
    ['disk', 90],
    ['memory', 80],
  ] as const)('on %s', async (kind, numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const world = new World(kind === 'disk' ? new SimDisk() : undefined);
        await world.open();
        for (const one of steps) {
          await act(world, one);
          world.check();
        }
      }),
      { seed: SEED, numRuns },
    );
  });
});
