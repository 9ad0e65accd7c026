/**
 * When the state of a link is saved. Settings are saved promptly, since nobody would
 * send them again. Other changes are saved soon. What changes with every packet is
 * saved every 30 s.
 *
 * ```
 *  a setting now and then   set, acknowledged, saved after 10 ms
 *  without a pause          saved after 20 ms, 40 ms, 80 ms … 1 s, and then each second;
 *                           on a slow disk, five times as long as a save takes if that is longer
 * ```
 */
import type { Clock, Timer } from '../../point/clock.js';

/** Changes that are saved soon are collected for this time. */
const SOON_MS = 200;
/** What changes with every packet (sequence, uptime) is saved at this interval. */
const EVERY_MS = 30_000;
/** A setting that is acknowledged within this time is saved once, and not twice. */
const PROMPTLY_MS = 10;
/**
 * Least time between the starts of two saves that nobody waits for: many changes must not
 * wear out the disk. It doubles while each interval brings a change, up to the longest.
 */
const APART_MS = 20;
const APART_LONGEST_MS = 1_000;
/** The same as a multiple of the time of a save: saves take a fifth of a slow disk's time at most. */
const APART_TIMES = 5;

/** Decides when the state of one link is saved. */
export class Saver {
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #apartMs = APART_MS;
  /** Something has changed since the last save began, before the next one may. */
  #changesGoOn = false;
  /** Saves under way now. */
  #savings = 0;
  /** Counts calls of {@link promptly} during a save. */
  #again = 0;
  #running = false;
  #ended = false;

  constructor(
    private readonly clock: Clock,
    /** Resolves when the present state is on disk; to false when it cannot be saved. */
    private readonly save: () => Promise<boolean>,
  ) {}

  /** From now on, also saves every 30 s. */
  start(): void {
    this.#running = true;
    this.#within(EVERY_MS);
  }

  stop(): void {
    this.#running = false;
  }

  /** Saves nothing by itself from now on, since the file may belong to another link. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** Saves now. Resolves as `save` does. */
  async now(): Promise<boolean> {
    this.#timer?.cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#running) this.#within(EVERY_MS);
    const beganMs = this.clock.monotonicMs();
    const again = this.#again;
    this.#apartMs = this.#changesGoOn ? Math.min(2 * this.#apartMs, APART_LONGEST_MS) : APART_MS;
    this.#changesGoOn = false;
    this.#savings += 1;
    const kept = await this.save();
    this.#savings -= 1;
    const tookMs = this.clock.monotonicMs() - beganMs;
    this.#notBeforeMs = beganMs + Math.max(this.#apartMs, APART_TIMES * tookMs);
    if (this.#again !== again) this.promptly();
    return kept;
  }

  /** Saves a setting, which is stored nowhere else: within 10 ms, or at longer intervals while settings go on changing. */
  promptly(): void {
    if (this.#savings > 0) {
      this.#again += 1;
      return;
    }
    const waitMs = this.#notBeforeMs - this.clock.monotonicMs();
    if (waitMs > 0) this.#changesGoOn = true;
    this.#within(Math.max(PROMPTLY_MS, waitMs));
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
