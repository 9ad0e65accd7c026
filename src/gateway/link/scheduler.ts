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
 * the loop has looked for others. A link that would take all the time for long while
 * others are there gets little: the system delays a process that is never idle, and
 * so would delay all links.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Frame } from '../../transport/frame.js';

/** Works on what was received: a link's session. */
interface InputWorker<in Unit> {
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

/** Hears when a link begins and ends to be limited. */
export interface InputLimitListener {
  /** The link has wanted more than its share for more than a second, or does not any more. */
  inputLimited(limited: boolean): void;
}

/**
 * Time for work in one turn of the event loop, ms: so much for all links that read,
 * and so much again for all links that wait. The first piece is always worked on at once.
 */
export const TURN_MS = 0.2;
/** Bytes of input between two looks at the clock: a few small packets. */
const PIECE_BYTES = 128;

/**
 * How long others may wait for a link on average, in ms. A single packet may take
 * longer than a turn. After one that takes T its link pauses for T · (T / 2D − 1), where
 * D is this value: over both times the average wait of others is D.
 */
const AVERAGE_WAIT_MS = 0.15;
const LONGEST_PAUSE_MS = 1_000;
/** Longest time of a step, ms: what takes longer was the machine, busy with something else. */
const STEP_MS = 0.05;
/** A link that was heard within this time competes with the others, ms. */
const COMPETITOR_MS = 1_000;

const WINDOW_MS = 250;
/** A link that was served, or had input waiting, for this part of a window wants more than its share. */
const LOADED_FROM = 0.75;
/** After so many windows of that kind in a row it is limited. */
const LIMITED_AFTER = 4;
/** After so many windows of the other kind it is no longer. */
const CALM_WINDOWS = 40;

/** Pause between two pieces of work for all slow links together, ms. */
const SLOW_TURNS_MS = 4;
/** How long a limited link stays slow before the next window measures it again, ms: first, then doubled up to the longest. */
const SLOW_FIRST_MS = 1_000;
const SLOW_LONGEST_MS = 30_000;

/** How units are cut into pieces: bytes anywhere, a frame never. */
interface Cutter<Unit> {
  /** Bytes. */
  lengthOf(unit: Unit): number;
  /** The next piece, from that position. */
  pieceAt(unit: Unit, at: number): Unit;
  /** A copy: the channel uses its bytes again. */
  copyOf(unit: Unit, from: number): Unit;
}

const BYTES: Cutter<Uint8Array> = {
  lengthOf: (bytes) => bytes.length,
  pieceAt: (bytes, at) => bytes.subarray(at, at + PIECE_BYTES),
  copyOf: (bytes, from) => Uint8Array.prototype.slice.call(bytes, from),
};

const FRAMES: Cutter<Frame> = {
  lengthOf: ({ data }) => data.length,
  pieceAt: (frame) => frame,
  copyOf: (frame) => ({ ...frame, data: Uint8Array.from(frame.data) }),
};

/** What the scheduler needs of a slot, whatever its units are. */
type AnySlot = Pick<SchedulerSlot<never>, 'heardMs' | 'slow' | 'serve'>;

/** The scheduler of all links of a gateway. */
export class Scheduler {
  /** Links with input that waits, in the order in which they are served. */
  readonly #ring = new Set<AnySlot>();
  readonly #slots = new Set<AnySlot>();
  readonly #slowRing = new Set<AnySlot>();
  #turnAhead = false;
  /** Time of links that have read in this turn of the loop. */
  #spentMs = 0;
  #slowTurnAhead = false;

  constructor(
    readonly clock: Clock,
    /** Calls a function when the loop has looked for input once more. */
    private readonly nextTurn: (then: () => void) => void = setImmediate,
  ) {}

  /** For a channel of bytes. */
  joinBytes(
    worker: InputWorker<Uint8Array>,
    listener: InputLimitListener,
  ): SchedulerSlot<Uint8Array> {
    return this.#join(new SchedulerSlot(this, worker, listener, BYTES));
  }

  /** For a channel of frames, which are worked on whole. */
  joinFrames<F extends Frame>(
    worker: InputWorker<F>,
    listener: InputLimitListener,
  ): SchedulerSlot<F> {
    // A copy of a frame has all that the frame has.
    return this.#join(new SchedulerSlot(this, worker, listener, FRAMES as Cutter<F>));
  }

  #join<Unit>(slot: SchedulerSlot<Unit>): SchedulerSlot<Unit> {
    this.#slots.add(slot);
    return slot;
  }

  leave(slot: AnySlot): void {
    this.#slots.delete(slot);
  }

  /** Its input does not wait any more. */
  forget(slot: AnySlot): void {
    this.#ring.delete(slot);
    this.#slowRing.delete(slot);
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

  wait(slot: AnySlot): void {
    this.#ring.add(slot);
    this.#expectTurn();
  }

  /** As {@link wait}; of all slow links one is served every {@link SLOW_TURNS_MS}. */
  waitSlowly(slot: AnySlot): void {
    this.#slowRing.add(slot);
    if (this.#slowTurnAhead) return;
    this.#slowTurnAhead = true;
    this.clock.setTimer(SLOW_TURNS_MS, () => {
      this.#slowTurnAhead = false;
      const [next, another] = this.#slowRing;
      if (next !== undefined) {
        this.#slowRing.delete(next);
        next.serve();
      }
      if (another !== undefined) this.waitSlowly(another);
    });
  }

  /** Whether another link, which is not slow, was heard lately. */
  hasCompetitor(slot: AnySlot, nowMs: number): boolean {
    for (const other of this.#slots) {
      if (other !== slot && !other.slow && nowMs - other.heardMs < COMPETITOR_MS) return true;
    }
    return false;
  }

  #expectTurn(): void {
    if (this.#turnAhead) return;
    this.#turnAhead = true;
    this.nextTurn(() => this.#begin());
  }

  #begin(): void {
    this.#turnAhead = false;
    this.#spentMs = 0;
    const endMs = this.clock.monotonicMs() + TURN_MS;
    for (const slot of [...this.#ring]) {
      this.#ring.delete(slot);
      slot.serve();
      if (this.clock.monotonicMs() >= endMs) break;
    }
    if (this.#ring.size > 0) this.#expectTurn();
  }
}

/** One link in the scheduler: its input that waits, and how much time it has taken. */
export class SchedulerSlot<Unit> {
  /** When the link was last heard, in ms of the monotonic clock. */
  heardMs = Number.NEGATIVE_INFINITY;
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

  /** Begin of the window, ms; while it is later than now the link is slow. */
  #windowFromMs = Number.NEGATIVE_INFINITY;
  #busyMs = 0;
  #waitingFromMs = 0;
  #loadedWindows = 0;
  #calmWindows = 0;
  #limited = false;
  #slowMs = 0;
  #look: Timer | undefined;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly worker: InputWorker<Unit>,
    private readonly listener: InputLimitListener,
    private readonly cutter: Cutter<Unit>,
  ) {}

  /** It gets little time while others are there. */
  get slow(): boolean {
    return this.#now() < this.#windowFromMs;
  }

  /** From the channel; its bytes may be used again after the call. */
  data(unit: Unit, source: InputSource): void {
    if (this.#waiting) {
      // From a channel that cannot stop at once.
      this.#rest.push(this.cutter.copyOf(unit, 0));
      return;
    }
    const fromMs = this.#now();
    this.heardMs = fromMs;
    const length = this.cutter.lengthOf(unit);
    let done = length;
    if (length <= PIECE_BYTES) this.#steps = this.worker.data(unit);
    else done = this.#work(unit, 0, this.scheduler.leftMs(), fromMs);
    this.#charge(fromMs);
    const nowMs = this.#now();
    const leftMs = this.scheduler.spend(nowMs - fromMs);
    this.#busy(fromMs, nowMs);
    // After a small packet of a link that was silent in this turn, no more is expected.
    if (done === length && (leftMs > 0 || done <= PIECE_BYTES)) return;
    if (done < length) this.#rest.push(this.cutter.copyOf(unit, done));
    this.#waiting = true;
    this.#waitingFromMs = nowMs;
    this.#source = source;
    source.pause();
    this.#goOn();
  }

  /** Works on input that waits, for one turn. */
  serve(): void {
    const fromMs = this.#now();
    this.heardMs = fromMs;
    for (let next = this.#rest[0]; next !== undefined; next = this.#rest[0]) {
      this.#restAt = this.#work(next, this.#restAt, TURN_MS, fromMs);
      if (this.#restAt < this.cutter.lengthOf(next)) break;
      this.#rest.shift();
      this.#restAt = 0;
      if (this.#now() - fromMs >= TURN_MS) break;
    }
    this.#charge(fromMs);
    if (this.#rest.length > 0) {
      this.#goOn();
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
    if (this.#waiting) this.#endWaiting();
  }

  leave(): void {
    this.clear();
    this.#look?.cancel();
    this.scheduler.leave(this);
  }

  #endWaiting(): void {
    const nowMs = this.#now();
    this.#waiting = false;
    this.#rest = [];
    this.#restAt = 0;
    this.#busy(this.#waitingFromMs, nowMs);
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

  /** A packet that took longer than a turn costs its link a pause. */
  #charge(fromMs: number): void {
    const steps = this.#steps;
    this.#steps = 0;
    if (steps * STEP_MS <= TURN_MS) return;
    const nowMs = this.#now();
    const tookMs = Math.min(nowMs - fromMs, steps * STEP_MS);
    if (tookMs <= 2 * AVERAGE_WAIT_MS || !this.scheduler.hasCompetitor(this, nowMs)) return;
    this.#debtMs += tookMs * (tookMs / (2 * AVERAGE_WAIT_MS) - 1);
  }

  /** In the next turn, or after the pause that it owes. */
  #goOn(): void {
    const pauseMs = Math.min(this.#debtMs, LONGEST_PAUSE_MS);
    if (pauseMs >= 1) {
      this.#debtMs = 0;
      this.#pause = this.scheduler.clock.setTimer(pauseMs, () => {
        this.#pause = undefined;
        this.scheduler.wait(this);
      });
    } else if (this.slow && this.scheduler.hasCompetitor(this, this.#now())) {
      this.scheduler.waitSlowly(this);
    } else {
      this.scheduler.wait(this);
    }
  }

  /** The link was served, or had input waiting, in this time. */
  #busy(fromMs: number, nowMs: number): void {
    this.#busyMs += Math.max(0, nowMs - Math.max(fromMs, this.#windowFromMs));
    if (nowMs - this.#windowFromMs >= WINDOW_MS) this.#endWindow(nowMs);
  }

  #endWindow(nowMs: number): void {
    const loaded = this.#busyMs >= (nowMs - this.#windowFromMs) * LOADED_FROM;
    this.#windowFromMs = nowMs;
    this.#busyMs = 0;
    if (!loaded) {
      this.#loadedWindows = 0;
      this.#slowMs = 0;
      if (this.#limited && ++this.#calmWindows >= CALM_WINDOWS) this.#change(false);
      return;
    }
    this.#calmWindows = 0;
    this.#loadedWindows += 1;
    if (!this.#limited && this.#loadedWindows < LIMITED_AFTER) return;
    this.#slowMs = Math.min(this.#slowMs * 2 || SLOW_FIRST_MS, SLOW_LONGEST_MS);
    // The window after that decides: while a link is slow it always has input waiting.
    this.#windowFromMs = nowMs + this.#slowMs;
    if (!this.#limited) this.#change(true);
  }

  #change(limited: boolean): void {
    this.#limited = limited;
    this.#look?.cancel();
    this.#look = undefined;
    if (limited) this.#lookAgain();
    this.listener.inputLimited(limited);
  }

  /** Ends windows by a timer: a silent device brings no bytes that would end them. */
  #lookAgain(): void {
    this.#look = this.scheduler.clock.setTimer(WINDOW_MS, () => {
      this.#lookAgain();
      const nowMs = this.#now();
      const fromMs = this.#waiting ? this.#waitingFromMs : nowMs;
      this.#waitingFromMs = nowMs;
      this.#busy(fromMs, nowMs);
    });
  }
}
