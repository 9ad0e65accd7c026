/**
 * Shares the time of the event loop between links: a device that sends more than
 * there is time for is slowed down, and delays no other.
 *
 * ```
 *  units ─► data() ─┬─ as many pieces as a turn has time for ─────► session
 *                   └─ the rest: kept, channel paused ─► ring ─┐      ▲
 *                           in each turn of the loop one after ─┴─────┘
 *                           another, as long as a turn has time
 * ```
 *
 * While a channel is paused its transport holds the input back: TCP closes its
 * window; a UART loses what its buffer does not hold, and its device sends it again.
 * A link that is alone gets all the time: its next piece of work follows as soon as
 * the loop has looked for others. So do links that all want much: they take turns.
 * Only beside a quiet link they are held back: see {@link InputGuard}.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../point/clock.js';
import type { Frame } from '../../transport/frame.js';
import { InputGuard, type EventLoop, type HoldableInput } from './input-guard.js';
import { InputLoad, type InputLimitListener } from './input-load.js';
import { BYTES, FRAMES, SchedulerSlot, TURN_MS, type InputWorker } from './scheduler-slot.js';

/** A link that was heard within this time competes with the others, ms. */
const COMPETITOR_MS = 1_000;

/** The event loop of this thread. */
const EVENT_LOOP: EventLoop = {
  nextTurn: (then) => void setImmediate(then),
  activeMs: () => performance.eventLoopUtilization().active,
};

/** The scheduler of all links of a gateway. */
export class Scheduler {
  readonly #guard: InputGuard;
  /** Links with input that waits, in the order in which they are served. */
  readonly #ring = new Set<HoldableInput>();
  readonly #slots = new Set<HoldableInput>();
  #turnAhead = false;
  /** Time of links that have read in this turn of the loop. */
  #spentMs = 0;

  constructor(
    readonly clock: Clock,
    private readonly loop: EventLoop = EVENT_LOOP,
  ) {
    this.#guard = new InputGuard(clock, loop, this.#slots);
  }

  /** For a channel of bytes. */
  joinBytes(
    worker: InputWorker<Uint8Array>,
    listener: InputLimitListener,
  ): SchedulerSlot<Uint8Array> {
    return this.#join(new SchedulerSlot(this, worker, new InputLoad(listener), BYTES));
  }

  /** For a channel of frames, which are worked on whole. */
  joinFrames<F extends Frame>(
    worker: InputWorker<F>,
    listener: InputLimitListener,
  ): SchedulerSlot<F> {
    return this.#join(new SchedulerSlot(this, worker, new InputLoad(listener), FRAMES<F>()));
  }

  #join<Unit>(slot: SchedulerSlot<Unit>): SchedulerSlot<Unit> {
    this.#slots.add(slot);
    return slot;
  }

  leave(slot: HoldableInput): void {
    this.#slots.delete(slot);
    this.#guard.left();
  }

  /** Its input does not wait any more. */
  forget(slot: HoldableInput): void {
    this.#ring.delete(slot);
    this.#guard.forget(slot, this.clock.monotonicMs());
  }

  /** What is left in this turn for links that read, ms. */
  leftMs(): number {
    return TURN_MS - this.#spentMs;
  }

  /** Returns what is left. */
  spend(ms: number): number {
    this.#spentMs += ms;
    this.#expectTurn();
    return this.leftMs();
  }

  /** Input of a link comes: whether it has to wait for the sake of others. */
  holds(slot: HoldableInput, nowMs: number): boolean {
    this.#guard.hear(nowMs);
    return this.#guard.holds(slot, nowMs);
  }

  /** Its input waits: it is served in the next turn, or when the time of others allows. */
  wait(slot: HoldableInput, nowMs: number): void {
    if (this.#guard.holds(slot, nowMs)) {
      this.#guard.hold(slot, nowMs);
      return;
    }
    this.#ring.add(slot);
    this.#expectTurn();
  }

  /** Whether another link was heard lately whose packets are at most half as long. */
  hasShorter(slot: HoldableInput, steps: number, nowMs: number): boolean {
    for (const other of this.#slots) {
      if (other === slot || nowMs - other.load.heardMs >= COMPETITOR_MS) continue;
      if (other.load.steps * 2 <= steps) return true;
    }
    return false;
  }

  #expectTurn(): void {
    if (this.#turnAhead) return;
    this.#turnAhead = true;
    this.loop.nextTurn(() => this.#begin());
  }

  #begin(): void {
    this.#turnAhead = false;
    this.#spentMs = 0;
    this.#guard.turn();
    const endMs = this.clock.monotonicMs() + TURN_MS;
    for (const slot of [...this.#ring]) {
      this.#ring.delete(slot);
      slot.serve(TURN_MS);
      if (this.clock.monotonicMs() >= endMs) break;
    }
    if (this.#ring.size > 0) this.#expectTurn();
  }
}
