import type { Clock, Timer } from '../../point/clock.js';
import { backoffMs, type BackoffRange } from '../connection/backoff.js';

/** After so many refused points, with none accepted between them, the store is assumed to refuse everything. */
const STALLED_AT = 16;

/**
 * Detects a store that refuses everything. Then one message at a time is sent as a
 * trial, with growing pauses, until the store takes one.
 */
export class Stall {
  /** What the store has refused since it last accepted something. */
  readonly #refused = new Set<object>();
  #pauses = 0;
  #mayTry = false;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly range: BackoffRange,
    /** Called when a pause is over. */
    private readonly onTrial: () => void,
  ) {}

  /** Whether the store refuses everything. */
  get holds(): boolean {
    return this.#pauses > 0;
  }

  /** Whether one message may be sent now. */
  get mayTry(): boolean {
    return this.#mayTry;
  }

  /** Counts a refusal. `what` stands for all points of one type+key: of these only one refusal counts. */
  refused(what: object): void {
    this.#refused.add(what);
  }

  /**
   * Called after a refusal. True: a pause has begun. Each failed trial makes the next
   * pause longer. If several messages were unanswered when the pause began, only the last
   * of their refusals counts.
   */
  pauseIfDue(isNothingUnanswered: boolean): boolean {
    if (this.holds ? !isNothingUnanswered : this.#refused.size < STALLED_AT) return false;
    this.#pauses += 1;
    this.#mayTry = false;
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(backoffMs(this.#pauses, this.range, this.random()), () => {
      this.#mayTry = true;
      this.onTrial();
    });
    return true;
  }

  /** A message is sent. */
  tried(): void {
    this.#mayTry = false;
  }

  /** The message could not be sent: it does not count as a trial. */
  untried(): void {
    this.#mayTry = true;
  }

  /** The store has accepted something. True: before, it refused everything. */
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
