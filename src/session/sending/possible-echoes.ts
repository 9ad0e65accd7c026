/**
 * Effects of acks that may have been echoes of the gateway's own acks. They are kept
 * while it is not known whether the line echoes (docs/contract.md, "Own echo"), so that
 * they can be taken back.
 */
import type { AckEffect, Mistaken } from './sender.js';
import type { Life } from './silence.js';

/** Most that are kept, of a line on which noise keeps it unknown whether it echoes. */
const MOST_ACKS = 64;

interface At<T> {
  /** Monotonic ms. */
  readonly atMs: number;
  readonly what: T;
}

/** The device as it was known before. */
interface KnownLife extends Life {
  readonly connected: boolean;
}

/** What acks of the session's device have changed that may have been echoes. */
export class PossibleEchoes {
  #acks: At<AckEffect>[] = [];
  /** As the device was known before the first packet that may have been an echo. */
  #life: At<KnownLife> | undefined;
  /** The device itself has acknowledged something since the first ack that is kept. */
  #acknowledges = false;

  /** What an ack that may be an echo has changed. `notEchoedMs`: what came before was the device's. */
  ack(what: AckEffect, atMs: number, notEchoedMs: number): void {
    this.#acks = this.#acks.filter((one) => one.atMs > notEchoedMs).slice(-MOST_ACKS + 1);
    if (this.#acks.length === 0) this.#acknowledges = false;
    this.#acks.push({ atMs, what });
  }

  /** A packet that may be an echo was taken for a sign of life. */
  heard(before: KnownLife, atMs: number, notEchoedMs: number): void {
    if (this.#life !== undefined && this.#life.atMs > notEchoedMs) return;
    this.#life = { atMs, what: before };
  }

  /** Nothing has been heard on this opening yet. */
  opened(): void {
    this.#life = undefined;
  }

  /** The device itself was heard. Hot: called for each packet. */
  surelyHeard(): void {
    this.#life = undefined;
  }

  /** The device itself has acknowledged something. */
  surelyAcknowledged(): void {
    this.#acknowledges = true;
  }

  /** The line echoes, and has done so since `sinceMs` (monotonic): what is to be taken back. */
  take(sinceMs: number): Mistaken<KnownLife> {
    const acks = this.#acks.filter(({ atMs }) => atMs > sinceMs).map(({ what }) => what);
    const life = this.#life !== undefined && this.#life.atMs > sinceMs ? this.#life : undefined;
    const taken = { acks, life: life?.what, acknowledges: this.#acknowledges };
    this.#acks = [];
    this.#life = undefined;
    return taken;
  }
}
