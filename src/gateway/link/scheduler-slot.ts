/** One link in the scheduler: its input that waits, and how it is cut. */
import type { Clock, Timer } from '../../point/clock.js';
import type { Frame } from '../../transport/frame.js';
import { AVERAGE_WAIT_MS, type HoldableInput } from './input-guard.js';
import type { InputLoad } from './input-load.js';

/** Works on what was received: a link's session. */
export interface InputWorker<in Unit> {
  /**
   * Takes a piece of what was received. Returns how many steps of work it took
   * without a pause: the points of one packet.
   */
  data(piece: Unit): number;
}

/** Where the input comes from. */
interface InputSource {
  /** Stops reading until {@link resume}. */
  pause(): void;
  resume(): void;
}

/** What a slot needs of the scheduler. */
interface SlotHost {
  readonly clock: Clock;
  leftMs(): number;
  spend(ms: number): number;
  holds(slot: HoldableInput, nowMs: number): boolean;
  wait(slot: HoldableInput, nowMs: number): void;
  forget(slot: HoldableInput): void;
  leave(slot: HoldableInput): void;
  hasShorter(slot: HoldableInput, steps: number, nowMs: number): boolean;
}

/**
 * Time for work in one turn of the event loop, ms: so much for all links that read,
 * and so much again for all links that wait. The first piece is always worked on at once.
 */
export const TURN_MS = 0.2;
/** Bytes of input between two looks at the clock: a few small packets. */
const PIECE_BYTES = 128;

/**
 * A single packet may take longer than a turn. After one that takes T its link pauses for
 * T · (T / 2D − 1), where D is {@link AVERAGE_WAIT_MS}: over both times the average wait of
 * others is D. The longest pause, ms.
 */
const LONGEST_PAUSE_MS = 1_000;
/** Longest time of a step, ms: what takes longer was the machine, busy with something else. */
const STEP_MS = 0.05;

/** How units are cut into pieces: bytes anywhere, a frame never. */
interface Cutter<Unit> {
  /** Bytes. */
  lengthOf(unit: Unit): number;
  /** The next piece, from that position. */
  pieceAt(unit: Unit, at: number): Unit;
  /** A copy: the channel uses its bytes again. */
  copyOf(unit: Unit, from: number): Unit;
}

export const BYTES: Cutter<Uint8Array> = {
  lengthOf: (bytes) => bytes.length,
  pieceAt: (bytes, at) => bytes.subarray(at, at + PIECE_BYTES),
  copyOf: (bytes, from) => Uint8Array.prototype.slice.call(bytes, from),
};

const WHOLE: Cutter<Frame> = {
  lengthOf: ({ data }) => data.length,
  pieceAt: (frame) => frame,
  copyOf: (frame) => ({ ...frame, data: Uint8Array.from(frame.data) }),
};
/** A copy of a frame has all that the frame has. */
export const FRAMES = <F extends Frame>(): Cutter<F> => WHOLE as Cutter<F>;

/** One link in the scheduler. */
export class SchedulerSlot<Unit> implements HoldableInput {
  /** Input that waits. Of the first unit the part before {@link #restAt} is done. */
  #rest: Unit[] = [];
  #restAt = 0;
  /** Most steps of one piece since the last {@link #charge}. */
  #steps = 0;
  #waiting = false;
  /** Paused while input waits. */
  #source: InputSource | undefined;
  #pause: Timer | undefined;
  /** Pauses that the link owes and that were too short to be made, ms. */
  #debtMs = 0;

  constructor(
    private readonly scheduler: SlotHost,
    private readonly worker: InputWorker<Unit>,
    /** What it takes of the time. */
    readonly load: InputLoad,
    private readonly cutter: Cutter<Unit>,
  ) {}

  /** From the channel; its bytes may be used again after the call. */
  data(unit: Unit, source: InputSource): void {
    if (this.#waiting) {
      // From a channel that cannot stop at once.
      this.load.hear(this.#now());
      this.#rest.push(this.cutter.copyOf(unit, 0));
      return;
    }
    const fromMs = this.#now();
    const length = this.cutter.lengthOf(unit);
    this.load.hear(fromMs);
    if (this.scheduler.holds(this, fromMs)) {
      this.#rest.push(this.cutter.copyOf(unit, 0));
      this.#stop(source);
      return;
    }
    let done = length;
    if (length <= PIECE_BYTES) this.#steps = this.worker.data(unit);
    else done = this.#work(unit, 0, this.scheduler.leftMs(), fromMs);
    const nowMs = this.#charge(done, fromMs);
    const leftMs = this.scheduler.spend(nowMs - fromMs);
    // After a small packet of a link that was silent in this turn, no more is expected.
    if (done === length && (leftMs > 0 || done <= PIECE_BYTES)) return;
    if (done < length) this.#rest.push(this.cutter.copyOf(unit, done));
    this.#stop(source);
  }

  /** Works on input that waits, for so long, ms: a turn. */
  serve(forMs: number): void {
    const fromMs = this.#now();
    this.load.hear(fromMs);
    let bytes = 0;
    for (let next = this.#rest[0]; next !== undefined; next = this.#rest[0]) {
      const at = this.#restAt;
      this.#restAt = this.#work(next, at, forMs, fromMs);
      bytes += this.#restAt - at;
      if (this.#restAt < this.cutter.lengthOf(next)) break;
      this.#rest.shift();
      this.#restAt = 0;
      if (this.#now() - fromMs >= forMs) break;
    }
    this.#charge(bytes, fromMs);
    if (this.#rest.length > 0) {
      this.goOn();
      return;
    }
    this.#endWaiting();
    this.#source?.resume();
  }

  /** The channel was closed: what waits is of no use any more. */
  clear(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#debtMs = 0;
    this.scheduler.forget(this);
    this.load.forget();
    if (this.#waiting) this.#endWaiting();
  }

  leave(): void {
    this.clear();
    this.scheduler.leave(this);
  }

  /** The rest waits for its turn, or first for the pause that the link owes. */
  goOn(): void {
    const pauseMs = Math.min(this.#debtMs, LONGEST_PAUSE_MS);
    if (pauseMs < 1) {
      this.scheduler.wait(this, this.#now());
      return;
    }
    this.#debtMs = 0;
    this.#pause = this.scheduler.clock.setTimer(pauseMs, () => {
      this.#pause = undefined;
      this.scheduler.wait(this, this.#now());
    });
  }

  /** Nothing more is read until the link has had its turn. */
  #stop(source: InputSource): void {
    this.#waiting = true;
    this.#source = source;
    source.pause();
    this.goOn();
  }

  #endWaiting(): void {
    this.#waiting = false;
    this.#rest = [];
    this.#restAt = 0;
  }

  #now(): number {
    return this.scheduler.clock.monotonicMs();
  }

  /** Works on pieces for as long as given, at least on one. Returns up to where it is done. */
  #work(unit: Unit, from: number, forMs: number, fromMs: number): number {
    const length = this.cutter.lengthOf(unit);
    let at = from;
    do {
      const piece = at === 0 && length <= PIECE_BYTES ? unit : this.cutter.pieceAt(unit, at);
      at += this.cutter.lengthOf(piece);
      this.#steps = Math.max(this.#steps, this.worker.data(piece));
    } while (at < length && this.#now() - fromMs < forMs);
    return at;
  }

  /**
   * So many bytes were worked on since then. A packet that took longer than a turn costs
   * its link a pause. Returns the time.
   */
  #charge(bytes: number, fromMs: number): number {
    const nowMs = this.#now();
    const steps = this.#steps;
    this.#steps = 0;
    const longestMs = steps * STEP_MS;
    this.load.use(bytes, Math.min(nowMs - fromMs, TURN_MS + longestMs), steps);
    if (longestMs <= TURN_MS) return nowMs;
    const tookMs = Math.min(nowMs - fromMs, longestMs);
    if (tookMs > 2 * AVERAGE_WAIT_MS && this.scheduler.hasShorter(this, steps, nowMs)) {
      this.#debtMs += tookMs * (tookMs / (2 * AVERAGE_WAIT_MS) - 1);
    }
    return nowMs;
  }
}
