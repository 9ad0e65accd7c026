import { createHash } from 'node:crypto';
import type { Clock } from '../../point/clock.js';

/** Somebody who gives a file, and stops for so long, has gone away (ms). */
const PAUSE_MS = 30_000;

/** A file that somebody gives to the gateway in pieces: what of it has come. */
export class Upload {
  readonly #hash = createHash('sha256');
  #length = 0;
  /** Monotonic ms of its last piece. */
  #movedMs: number;

  constructor(
    readonly id: string,
    readonly name: string,
    /** Bytes. */
    readonly size: number,
    private readonly clock: Clock,
  ) {
    this.#movedMs = clock.monotonicMs();
  }

  /** The next piece, and where it begins. Returns why it is refused, for people. */
  take(at: number, bytes: Uint8Array): string | undefined {
    if (at !== this.#length) return `the next piece of the file begins at ${String(this.#length)}`;
    if (at + bytes.length > this.size) return 'the file is larger than was said';
    this.#length += bytes.length;
    this.#movedMs = this.clock.monotonicMs();
    this.#hash.update(bytes);
    return undefined;
  }

  /** Whether whoever gives it has gone away. */
  isAbandoned(): boolean {
    return this.clock.monotonicMs() - this.#movedMs >= PAUSE_MS;
  }

  /** Whether all of it has come, unchanged. To be asked once. */
  isWhole(sha256: string): boolean {
    return this.#length === this.size && this.#hash.digest('hex') === sha256.toLowerCase();
  }
}
