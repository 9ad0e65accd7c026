import type { SignalCodec } from '../../signals/signal-codec.js';
import type { CanFrame } from '../../transport/frame.js';

/**
 * Frames that wait until the bus takes more. A bus without another node takes none, for
 * hours perhaps. Of frames with the same signals only the newest waits: older setpoints
 * are of no use any more.
 */
export class LateFrames {
  readonly #frames = new Map<string, CanFrame>();

  /** `signals`: those that the frame holds, which its multiplexers decide. */
  put(frame: CanFrame, signals: Iterable<SignalCodec>): void {
    const names = Array.from(signals, ({ signal }) => signal.name);
    const kind = [frame.id, frame.extended, ...names].join(' ');
    // To the end: frames that were put before it may hold older values of its signals.
    this.#frames.delete(kind);
    this.#frames.set(kind, frame);
  }

  get isEmpty(): boolean {
    return this.#frames.size === 0;
  }

  /** Removes the first of them. */
  take(): CanFrame | undefined {
    for (const [kind, frame] of this.#frames) {
      this.#frames.delete(kind);
      return frame;
    }
    return undefined;
  }

  clear(): void {
    this.#frames.clear();
  }
}
