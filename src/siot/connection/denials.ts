import type { errors } from '@nats-io/transport-node';
import type { Clock, Timer } from '../../point/clock.js';

/** Time after which a subscription that NATS does not permit is tried again, ms. */
const AGAIN_MS = 30_000;
/** Time for which a denial is shown, ms. In this time it is tried again. */
const SHOWN_MS = 90_000;

/**
 * Keeps what NATS has denied, to show it to people. Tries denied subscriptions again,
 * since permissions may change while we are connected.
 */
export class Denials {
  #text = '';
  #atMs = 0;
  readonly #subscriptions = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  /** The last denial, for people; blank: there was none lately. */
  get text(): string {
    return this.clock.monotonicMs() - this.#atMs < SHOWN_MS ? this.#text : '';
  }

  /** Keeps a denial, and returns its text. */
  heard(denial: InstanceType<typeof errors.PermissionViolationError>): string {
    this.#text = denialText(denial.operation, denial.subject);
    this.#atMs = this.clock.monotonicMs();
    return this.#text;
  }

  /** Calls `subscribe` after AGAIN_MS, unless the connection ends first. */
  tryAgain(subscribe: () => void): void {
    this.#subscriptions.add(subscribe);
    this.#timer ??= this.clock.setTimer(AGAIN_MS, () => {
      this.#timer = undefined;
      const again = [...this.#subscriptions];
      this.#subscriptions.clear();
      for (const one of again) one();
    });
  }

  /** The connection has ended: the next one may have other permissions. */
  clear(): void {
    this.#text = '';
    this.#subscriptions.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** A denial as a text for people. It is also the reason with which a point is dropped. */
export function denialText(operation: 'publish' | 'subscription', subject: string): string {
  const what = operation === 'publish' ? 'publishing' : 'subscribing';
  return `NATS does not permit ${what} to ${subject}: the permissions of this client need mending`;
}
