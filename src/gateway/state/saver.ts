/**
 * When what is known of a link is saved: at once what nobody would say again,
 * soon what else has changed, and now and then what changes with every packet.
 */
import type { Clock, Timer } from '../../point/clock.js';

/** Changes that are worth saving soon are gathered so long. */
const SOON_MS = 200;
/** What changes with every packet (sequence, uptime) is kept at least so often. */
const EVERY_MS = 30_000;
/** Between the beginnings of two savings that nobody waits for: a flood of changes must not wear out the disk… */
const APART_MS = 20;
/** …nor keep a slow one busy for more than a fifth of the time. */
const APART_TIMES = 5;

export class Saver {
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  /** Under way now. */
  #savings = 0;
  /** How often something was to be saved while another saving was under way. */
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

  /** Another may save from now on. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** Somebody waits for it. False: it could not be saved. */
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

  /** A setting is nowhere else: saved at once, in a flood of them at short intervals. */
  atOnce(): void {
    if (this.#savings > 0) {
      this.#again += 1;
      return;
    }
    const waitMs = this.#notBeforeMs - this.clock.monotonicMs();
    if (waitMs > 0) this.#within(waitMs);
    else if (!this.#ended) void this.now();
  }

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
