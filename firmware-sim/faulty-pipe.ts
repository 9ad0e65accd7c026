import type { SimClock, SimTimer } from './clock.js';
import { NO_FAULTS, type FaultPlan, type LineFaults } from './faults.js';
import type { BytePipe } from './pipe.js';
import type { SeededRandom } from './random.js';
import { TimerSet } from './timer-set.js';

/** ms that a write waits for the next, to be received with it. */
const MERGE_MS = 20;
/** Most ms between two pieces of a write. */
const SPLIT_MS = 5;

/** Counts of the faults of one direction so far: bytes, and from `delayed` on writes. */
export interface LineDamage {
  flipped: number;
  dropped: number;
  duplicated: number;
  delayed: number;
  split: number;
  merged: number;
}

/** One direction of a line with faults. Keeps the order of bytes. */
class FaultyLine {
  readonly damage: LineDamage = {
    flipped: 0,
    dropped: 0,
    duplicated: 0,
    delayed: 0,
    split: 0,
    merged: 0,
  };
  readonly #timers: TimerSet;
  /** Earliest time of the next delivery, monotonic ms. */
  #busyUntilMs = 0;
  #held: Uint8Array[] = [];
  #holdTimer: SimTimer | undefined;

  constructor(
    private faults: LineFaults,
    private readonly random: SeededRandom,
    private readonly clock: SimClock,
    private readonly deliver: (bytes: Uint8Array) => void,
  ) {
    this.#timers = new TimerSet(clock);
  }

  put(bytes: Uint8Array): void {
    this.#held.push(this.#damaged(bytes));
    this.#holdTimer?.cancel();
    if (this.random.chance(this.faults.merge)) {
      this.damage.merged += 1;
      this.#holdTimer = this.clock.setTimer(MERGE_MS, () => {
        this.#release();
      });
      return;
    }
    this.#release();
  }

  /** Ends the faults. */
  mend(): void {
    this.faults = NO_FAULTS.tx;
  }

  /** Throws away what is not delivered yet. */
  clear(): void {
    this.#holdTimer?.cancel();
    this.#held = [];
    this.#timers.cancelAll();
    this.#busyUntilMs = 0;
  }

  #damaged(bytes: Uint8Array): Uint8Array {
    const { flip, drop, dup } = this.faults;
    const out: number[] = [];
    for (let byte of bytes) {
      if (this.random.chance(drop)) {
        this.damage.dropped += 1;
        continue;
      }
      if (this.random.chance(flip)) {
        this.damage.flipped += 1;
        byte ^= 1 << this.random.below(8);
      }
      out.push(byte);
      if (this.random.chance(dup)) {
        this.damage.duplicated += 1;
        out.push(byte);
      }
    }
    return Uint8Array.from(out);
  }

  #release(): void {
    const bytes = Uint8Array.from(Buffer.concat(this.#held));
    this.#held = [];
    let atMs = this.clock.monotonicMs();
    if (this.random.chance(this.faults.delay)) {
      this.damage.delayed += 1;
      atMs += 1 + this.random.below(this.faults.delayMs);
    }
    if (bytes.length > 1 && this.random.chance(this.faults.split)) {
      this.damage.split += 1;
      const cut = 1 + this.random.below(bytes.length - 1);
      this.#deliverAt(atMs, bytes.subarray(0, cut));
      this.#deliverAt(atMs + 1 + this.random.below(SPLIT_MS), bytes.subarray(cut));
    } else {
      this.#deliverAt(atMs, bytes);
    }
  }

  #deliverAt(atMs: number, bytes: Uint8Array): void {
    const now = this.clock.monotonicMs();
    if (this.#timers.isEmpty && atMs <= now) {
      this.deliver(bytes);
      return;
    }
    this.#busyUntilMs = Math.max(this.#busyUntilMs, atMs);
    this.#timers.start(Math.max(0, this.#busyUntilMs - now), () => this.deliver(bytes));
  }
}

/** A pipe with faults, which all come from `random`. */
export class FaultyPipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  /** While true, nothing passes in either direction. */
  muted = false;
  readonly #inner: BytePipe;
  readonly #tx: FaultyLine;
  readonly #rx: FaultyLine;
  /** The line returns what is sent to the device, as an adapter that receives its own bytes. */
  #echoes = false;
  readonly #echoTimer: SimTimer | undefined;

  constructor(inner: BytePipe, plan: FaultPlan, random: SeededRandom, clock: SimClock) {
    this.#inner = inner;
    this.#tx = new FaultyLine(plan.tx, random.fork('tx'), clock, (bytes) => {
      inner.write(bytes);
    });
    this.#rx = new FaultyLine(plan.rx, random.fork('rx'), clock, (bytes) => {
      if (!this.muted) this.onData?.(bytes);
    });
    const { echoAfterMs } = plan;
    if (echoAfterMs !== undefined && echoAfterMs > 0)
      this.#echoTimer = clock.setTimer(echoAfterMs, () => (this.#echoes = true));
    else this.#echoes = echoAfterMs === 0;
    inner.onData = (bytes) => {
      // Also while the device is muted.
      if (this.#echoes) this.#tx.put(bytes);
      if (!this.muted) this.#rx.put(bytes);
    };
    inner.onPeer = (present) => {
      if (!present) {
        this.#tx.clear();
        this.#rx.clear();
      }
      this.onPeer?.(present);
    };
  }

  /** Counts of faults so far: `tx` in what the device sent, `rx` in what was sent to it. */
  get damage(): { readonly tx: Readonly<LineDamage>; readonly rx: Readonly<LineDamage> } {
    return { tx: this.#tx.damage, rx: this.#rx.damage };
  }

  /**
   * Ends the faults of both directions. What is delayed already stays so, and an echo
   * stays, since it belongs to the wiring.
   */
  mend(): void {
    this.muted = false;
    this.#tx.mend();
    this.#rx.mend();
  }

  write(bytes: Uint8Array): void {
    if (!this.muted) this.#tx.put(bytes);
  }

  close(): Promise<void> {
    this.#echoTimer?.cancel();
    this.#tx.clear();
    this.#rx.clear();
    return this.#inner.close();
  }
}
