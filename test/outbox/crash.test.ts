/**
 * The power goes between every two calls that the outbox makes to its disk, in a run that fills
 * and empties it in every way. Each time the outbox is opened again and compared with what the
 * run knows.
 */
import { describe, expect, it } from 'vitest';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import type { OutboxLane } from '../../src/outbox/outbox.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint, numberOf, type Point } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { randomOf, SimDisk } from './sim-disk.js';

const MAX_BYTES = 65_536;

/** What is known of a point that was put in. */
interface Known {
  readonly id: number;
  readonly nodeId: string;
  readonly position: number;
  readonly type: string;
  safe: boolean;
  settled: boolean;
  /** Settled, and a flush has ended since. */
  noted: boolean;
}

class Life {
  readonly clock = new FakeClock();
  readonly known: Known[] = [];
  readonly #byPlace = new Map<string, Known>();
  readonly random: () => number;
  outbox!: DiskOutbox;
  #lastId = 0;

  constructor(
    seed: number,
    readonly disk: SimDisk,
  ) {
    this.random = randomOf(seed);
  }

  async open(): Promise<void> {
    this.outbox = await DiskOutbox.open({
      folder: this.disk,
      maxBytes: MAX_BYTES,
      clock: this.clock,
      log: SILENT_LOG,
      reasonOf: String,
    });
  }

  async run(steps: number): Promise<void> {
    await this.open();
    for (let i = 0; i < steps; i++) {
      await this.#act();
      await this.clock.advanceAsync(this.#upTo(3));
    }
  }

  async #act(): Promise<void> {
    const luck = this.random();
    if (luck < 0.55) this.#put();
    else if (luck < 0.75) this.#settleSome();
    else if (luck < 0.82) this.#settleThrough();
    else if (luck < 0.86) await this.clock.advanceAsync(1_000);
    else if (luck < 0.9) await this.#flush();
    else if (luck < 0.93) this.#releaseAndAsk();
    else if (luck < 0.95) await this.#reopen();
    else if (luck < 0.97) this.#settleAll();
    else for (let i = 0; i < 8; i++) this.#put();
  }

  lane(nodeId: string): OutboxLane {
    if (nodeId !== 'newest') return this.outbox.lane(nodeId);
    return this.outbox.lane(nodeId, { backlog: 'latest', onSuperseded: () => undefined });
  }

  #anyLane(): OutboxLane {
    // One of them is hardly ever emptied.
    return this.lane(['busy', 'busy', 'stuck', 'newest'][this.#upTo(3)]!);
  }

  #put(): void {
    const lane = this.#anyLane();
    const count = 1 + this.#upTo(40);
    const batch: Known[] = [];
    const points: Point[] = [];
    for (let i = 0; i < count; i++) {
      const id = ++this.#lastId;
      const type = `t${String(this.#upTo(9))}`;
      const known = { id, nodeId: lane.nodeId, type, safe: false, settled: false, noted: false };
      batch.push({ ...known, position: lane.next + i });
      points.push(makePoint({ type, value: floatValue(id), time: BigInt(id) }));
    }
    const taken = lane.put(points, () => {
      for (const one of batch) one.safe = true;
    });
    if (!taken) return;
    for (const one of batch) this.#byPlace.set(`${one.nodeId} ${String(one.position)}`, one);
    this.known.push(...batch);
  }

  #settleSome(): void {
    const lane = this.#anyLane();
    if (lane.nodeId === 'stuck' && this.random() < 0.8) return;
    const from = lane.first;
    for (let n = this.#upTo(60); n > 0; n--) this.#settle(lane, from + this.#upTo(120));
  }

  #settleThrough(): void {
    const lane = this.#anyLane();
    if (lane.nodeId === 'stuck') return;
    const through = lane.first + this.#upTo(100);
    lane.settleThrough(through);
    for (const one of this.known) {
      if (one.nodeId === lane.nodeId && one.position <= through) one.settled = true;
    }
  }

  #settleAll(): void {
    for (const nodeId of ['busy', 'newest', 'stuck']) {
      if (nodeId === 'stuck' && this.random() < 0.6) continue;
      const lane = this.lane(nodeId);
      lane.settleThrough(lane.next - 1);
      for (const one of this.known) if (one.nodeId === nodeId) one.settled = true;
    }
  }

  #settle(lane: OutboxLane, position: number): void {
    lane.settle(position);
    const one = this.#byPlace.get(`${lane.nodeId} ${String(position)}`);
    if (one !== undefined) one.settled = true;
  }

  #releaseAndAsk(): void {
    this.outbox.release('busy');
    if (this.random() < 0.5) this.lane('busy');
  }

  async #flush(): Promise<void> {
    this.#lookAtSuperseded();
    const settled = this.known.filter((one) => one.settled);
    await this.outbox.flush();
    for (const one of settled) one.noted = true;
  }

  async #reopen(): Promise<void> {
    this.#lookAtSuperseded();
    const settled = this.known.filter((one) => one.settled);
    await this.outbox.close();
    for (const one of settled) one.noted = true;
    await this.open();
  }

  /** What the outbox has dropped for something newer is settled, too. */
  #lookAtSuperseded(): void {
    const lane = this.lane('newest');
    for (const one of this.known) {
      if (
        one.nodeId === 'newest' &&
        one.position < lane.next &&
        lane.read(one.position) === undefined
      )
        one.settled = true;
    }
  }

  #upTo(most: number): number {
    return Math.floor(this.random() * (most + 1));
  }
}

/** What is wrong with an outbox that has been opened again; undefined: nothing. */
function problem(known: readonly Known[], outbox: DiskOutbox): string | undefined {
  const byId = new Map(known.map((one) => [one.id, one]));
  const found = new Set<number>();
  for (const lane of outbox.lanes()) {
    let length = 0;
    for (let at = lane.first; at < lane.next; at++) {
      const point = lane.read(at);
      if (point === undefined) continue;
      length += 1;
      const id = numberOf(point.value);
      found.add(id);
      const one = byId.get(id);
      // Its own place, and so in its own order; nothing that was never put in.
      if (one?.position !== at || one.nodeId !== lane.nodeId) {
        return `${lane.nodeId} ${at}: ${id} was put in at ${String(one?.position)}`;
      }
      if (one.noted) return `${lane.nodeId} ${at}: ${id} was settled and noted`;
    }
    if (length !== lane.length) return `${lane.nodeId}: ${length} of ${lane.length} can be read`;
  }
  // The newest of each that is there, or was delivered.
  const newest = new Map<string, number>();
  for (const { nodeId, type, id, settled } of known) {
    if (nodeId === 'newest' && (settled || found.has(id))) newest.set(type, id);
  }
  for (const { id, nodeId, type, safe, settled } of known) {
    if (!safe || settled || found.has(id)) continue;
    if (nodeId === 'newest' && (newest.get(type) ?? 0) > id) continue;
    return `${nodeId}: ${id} was safe and is lost`;
  }
  return undefined;
}

/** The outbox is opened on what the power has left, and lives on. */
async function checkAfter(disk: SimDisk, known: readonly Known[]): Promise<void> {
  const next = new Life(0, disk);
  await next.open();
  expect(problem(known, next.outbox)).toBeUndefined();
  // A crash loses nothing that was acknowledged, and nothing is said to be lost.
  expect(['busy', 'stuck', 'newest'].flatMap((id) => next.outbox.adviceFor(id))).toEqual([]);
  const before = [...next.outbox.lanes()].map((lane) => [lane.nodeId, lane.length] as const);
  for (const nodeId of ['busy', 'stuck', 'newest']) {
    const lane = next.outbox.lane(nodeId);
    const point = makePoint({ type: 'new', value: floatValue(0) });
    expect(lane.put([point], () => undefined)).toBe(true);
  }
  await next.outbox.close();
  await next.open();
  const after = new Map([...next.outbox.lanes()].map((lane) => [lane.nodeId, lane.length]));
  for (const [nodeId, length] of before) {
    expect([nodeId, after.get(nodeId)]).toEqual([nodeId, length + 1]);
  }
  await next.outbox.close();
}

/** The state when the power went. */
interface Moment {
  readonly seed: number;
  readonly disk: SimDisk;
  readonly known: readonly Known[];
}

describe('an outbox whose power goes', () => {
  it.each([1, 2, 3])('keeps its promises between every two calls, life %i', async (seed) => {
    const moments: Moment[] = [];
    const disk = new SimDisk();
    const life = new Life(seed, disk);
    disk.onCall = () => {
      const known = life.known.map((one) => ({ ...one }));
      const each = seed * 100_000 + moments.length;
      moments.push({ seed: each, disk: disk.afterCrash(each), known });
    };
    await life.run(240);
    // Each kind of thing happens in this life.
    expect(disk.calls.length).toBeGreaterThan(200);
    expect(new Set(disk.calls)).toEqual(
      new Set(['create', 'write', 'sync', 'syncFolder', 'remove']),
    );
    for (const moment of moments) {
      await checkAfter(moment.disk, moment.known).catch((cause: unknown) => {
        throw new Error(`life ${seed}, what is left by ${moment.seed}`, { cause });
      });
    }
  });
});
