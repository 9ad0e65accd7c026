import type { Clock, Timer } from '../../point/clock.js';
import { backoffMs, type BackoffRange } from '../connection/backoff.js';

/** Points refused with none taken between them, from which on the store is taken to refuse all. */
const STALLED_AT = 16;

/**
 * Whether a store refuses all that it is sent. Then one message at a time goes
 * out, as a trial, with growing pauses, until one is taken.
 */
export class Stall {
  /** What the store refused since it last took something. */
  readonly #refused = new Set<object>();
  #pauses = 0;
  #mayTry = false;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly range: BackoffRange,
    /** A pause is over. */
    private readonly onTrial: () => void,
  ) {}

  /** It refuses all. */
  get holds(): boolean {
    return this.#pauses > 0;
  }

  /** One message may go out now. */
  get mayTry(): boolean {
    return this.#mayTry;
  }

  /** `what`: of those with one type+key only the first counts. */
  refused(what: object): void {
    this.#refused.add(what);
  }

  /**
   * After a refusal. True: a pause has begun. Each trial that fails makes the
   * next pause longer, and of those that were on their way when it began the
   * last only.
   */
  pauseIfDue(isNothingOnTheWay: boolean): boolean {
    if (this.holds ? !isNothingOnTheWay : this.#refused.size < STALLED_AT) return false;
    this.#pauses += 1;
    this.#mayTry = false;
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(backoffMs(this.#pauses, this.range, this.random()), () => {
      this.#mayTry = true;
      this.onTrial();
    });
    return true;
  }

  /** A message goes out. */
  tried(): void {
    this.#mayTry = false;
  }

  /** It could not go out: that was no trial. */
  untried(): void {
    this.#mayTry = true;
  }

  /** The store takes something. True: it did refuse all before. */
  end(): boolean {
    const held = this.holds;
    this.#refused.clear();
    this.#pauses = 0;
    this.stop();
    return held;
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
