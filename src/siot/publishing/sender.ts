import type { Clock } from '../../point/clock.js';
import type { SiotWire } from '../wire/wire.js';
import type { PublishHost, PublishState } from './publish-state.js';
import type { PublishWindow } from './publish-window.js';
import type { StatusPoints } from './status-points.js';

/** What every {@link Sender} works with. */
export interface SenderOptions {
  readonly wire: SiotWire;
  readonly status: StatusPoints;
  readonly clock: Clock;
  readonly window: PublishWindow;
  readonly host: PublishHost;
}

/** Publishes the lanes from their cursors on. When the mode changes, another sender takes its place. */
export interface Sender {
  /** These lanes have new points, or do not have to wait any more. */
  lanes(states: Iterable<PublishState>): void;
  /** A status point has changed. */
  status(): void;
  /** Forgets the lane: answers for its points are ignored from now on. */
  forget(state: PublishState): void;
  /** NATS does not permit what was published on this subject. */
  denied(subject: string): void;
  /** Sends nothing more, but still takes answers. */
  suspend(): void;
  /** Sends nothing more, and takes no answers. */
  stop(): void;
}

/** A message with so many bytes of text gets no further point. */
export const BATCH_BYTES = 128 * 1024;

/** Bytes that NATS adds to a payload, about. */
export const MESSAGE_BYTES = 100;
