import type { SignalCodec } from '../../signals/signal-codec.js';
import type { CanFrame } from '../../transport/can/frame.js';

/**
 * Frames that wait until the bus takes more. A bus without another node takes
 * none for hours: of frames with the same signals only the newest waits, since
 * nobody wants a setpoint that was replaced.
 */
export class LateFrames {
  readonly #frames = new Map<string, CanFrame>();

  /** `signals`: those that the frame holds, which depends on its multiplexers. */
  put(frame: CanFrame, signals: Iterable<SignalCodec>): void {
    const names = Array.from(signals, ({ signal }) => signal.name);
    const kind = [frame.id, frame.extended, ...names].join(' ');
    // Behind those that were put before it, whose other signals may be older.
    this.#frames.delete(kind);
    this.#frames.set(kind, frame);
  }

  get isEmpty(): boolean {
    return this.#frames.size === 0;
  }

  /** The first of them, which waits no more. */
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
