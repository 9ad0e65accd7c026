/**
 * A fair share of the event loop for each link: a device that sends more than
 * there is time for waits itself, and lets no other wait.
 *
 * ```
 *  units ─► data() ─┬─ as many pieces as a turn has time for ─────► session
 *                   └─ the rest: kept, channel paused ─► ring ─┐      ▲
 *                           in each turn of the loop one after ─┴─────┘
 *                           another, as long as a turn has time
 * ```
 *
 * What is paused is held back by the transport: a TCP peer by its window, a
 * UART loses what its buffer does not hold, which its device then sends again.
 * A link that is alone has all the time there is, since its next piece of work
 * follows as soon as the loop has looked for others. One that would take it all
 * for long while others are there gets little: a process that is never idle is
 * made to wait by the system, and all its links with it.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Frame } from '../../transport/frame.js';

/** Works on what was received: a link's session. */
export interface InputWorker<in Unit> {
  /**
   * Takes a piece of what was received. Returns how many steps of work it was
   * that could not be parted: points of one packet.
   */
  data(piece: Unit): number;
}

/** Where the input comes from. */
export interface InputSource {
  /** Stops reading until {@link resume}. */
  pause(): void;
  resume(): void;
}

export interface InputLimitListener {
  /** The link wants more than its share for so long that people should know, or does no longer. */
  inputLimited(limited: boolean): void;
}

/**
 * Work in one turn of the loop, in ms: so much for all links that read, and so much
 * again for all links that wait. A part of what is read is always worked on at once.
 */
export const TURN_MS = 0.2;
/** What is looked at between two looks at the clock: a few small packets. */
const PIECE_BYTES = 128;

/**
 * How long others may wait for a link on average, in ms. A single packet may take
 * longer than a turn. After one that takes T its link pauses for T · (T / 2D − 1), where
 * D is this value: over both times the average wait of others is D.
 */
const AVERAGE_WAIT_MS = 0.15;
const LONGEST_PAUSE_MS = 1_000;
/** No step takes longer: if it does, the machine was busy with something else. */
const STEP_MS = 0.05;
/** Other links that were heard within this time must not wait long. */
const COMPETITOR_MS = 1_000;

const WINDOW_MS = 250;
/** A link that was served, or had something waiting, for this part of a window wants more than its share. */
const LOADED_FROM = 0.75;
/** After so many windows of that kind in a row it is limited. */
const LIMITED_AFTER = 4;
/** After so many windows of the other kind it is no longer. */
const CALM_WINDOWS = 40;

/** Between two turns of the links that are slow. */
const SLOW_TURNS_MS = 4;
/** How long a limited link is slow, at first, before it is looked whether it still wants so much; doubles. */
const SLOW_FIRST_MS = 1_000;
const SLOW_LONGEST_MS = 30_000;

/** How units are handled: bytes may be cut anywhere, a frame never. */
interface Cutter<Unit> {
  /** Bytes. */
  lengthOf(unit: Unit): number;
  /** What is worked on next, from there on. */
  pieceAt(unit: Unit, at: number): Unit;
  /** With bytes of its own: those of the channel are used again. */
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

export class Scheduler {
  /** Links of which something waits, in order of their turns. */
  readonly #ring = new Set<AnySlot>();
  readonly #slots = new Set<AnySlot>();
  readonly #slowRing = new Set<AnySlot>();
  #turnAhead = false;
  /** By those that read in this turn. */
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

  /** What waited is gone. */
  forget(slot: AnySlot): void {
    this.#ring.delete(slot);
    this.#slowRing.delete(slot);
  }

  /** Time that is left in this turn for those that read. */
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

  /** As {@link wait}, in a turn that only one of all that are slow has now and then. */
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

  /** Others have something to do as well. */
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

export class SchedulerSlot<Unit> {
  /** When the link was last heard, in ms of the monotonic clock. */
  heardMs = Number.NEGATIVE_INFINITY;
  /** Received and not worked on yet, but the first up to there. */
  #rest: Unit[] = [];
  #restAt = 0;
  /** The most of one piece that was worked on at a stretch. */
  #steps = 0;
  #waiting = false;
  /** It is paused while something waits. */
  #source: InputSource | undefined;
  #pause: Timer | undefined;
  /** Pauses too short to be made. */
  #debtMs = 0;

  /** Later than now: the link is slow until then. */
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
    // A small packet of a link that was silent in this turn is no sign of more to come.
    if (done === length && (leftMs > 0 || done <= PIECE_BYTES)) return;
    if (done < length) this.#rest.push(this.cutter.copyOf(unit, done));
    this.#waiting = true;
    this.#waitingFromMs = nowMs;
    this.#source = source;
    source.pause();
    this.#goOn();
  }

  /** Its turn has come. */
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

  /** A packet that could not be parted has kept the loop for longer than a turn. */
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

  /** So long it was served, or had something waiting. */
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
    // What it is then says whether it goes on: a slow link has always something waiting.
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

  /** A device that is silent now has no bytes by which the window would end. */
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
