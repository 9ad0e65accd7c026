/**
 * When the state of a link is saved: at once what nobody would send again (settings),
 * soon other changes, and every 30 s what changes with every packet.
 */
import type { Clock, Timer } from '../../point/clock.js';

/** Changes that are to be saved soon are collected for so long. */
const SOON_MS = 200;
/** What changes with every packet (sequence, uptime) is saved at this interval. */
const EVERY_MS = 30_000;
/** Between the starts of two saves that nobody waits for: a flood of changes must not wear out the disk… */
const APART_MS = 20;
/** …nor use more than a fifth of a slow disk's time. */
const APART_TIMES = 5;

/** Decides when the state of one link is saved. */
export class Saver {
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  /** Saves under way now. */
  #savings = 0;
  /** Counts calls of {@link atOnce} during a save. */
  #again = 0;
  #running = false;
  #ended = false;

  constructor(
    private readonly clock: Clock,
    /** Resolves when the present state is safe; false: it cannot be saved. */
    private readonly save: () => Promise<boolean>,
  ) {}

  /** From now on also every 30 s. */
  start(): void {
    this.#running = true;
    this.#within(EVERY_MS);
  }

  stop(): void {
    this.#running = false;
  }

  /** Saves nothing by itself any more: the file may belong to another link now. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** Saves now. Resolves when it is on disk; false: it could not be saved. */
  async now(): Promise<boolean> {
    this.#timer?.cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#running) this.#within(EVERY_MS);
    const beganMs = this.clock.monotonicMs();
    const again = this.#again;
    this.#savings += 1;
    const kept = await this.save();
    this.#savings -= 1;
    const tookMs = this.clock.monotonicMs() - beganMs;
    this.#notBeforeMs = beganMs + Math.max(APART_MS, APART_TIMES * tookMs);
    if (this.#again !== again) this.atOnce();
    return kept;
  }

  /** Saves a setting, which is stored nowhere else: at once, or in a flood at short intervals. */
  atOnce(): void {
    if (this.#savings > 0) {
      this.#again += 1;
      return;
    }
    const waitMs = this.#notBeforeMs - this.clock.monotonicMs();
    if (waitMs > 0) this.#within(waitMs);
    else if (!this.#ended) void this.now();
  }

  /** Saves within 200 ms. */
  soon(): void {
    this.#within(SOON_MS);
  }

  #within(ms: number): void {
    if (this.#ended) return;
    const dueMs = this.clock.monotonicMs() + ms;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(ms, () => void this.now());
  }
}
