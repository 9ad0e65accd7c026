import type {
  ChannelDiscard,
  ChannelEvents,
  ChannelTap,
  TransportError,
} from '../../src/transport/transport.js';

/** Takes down what a channel tells, and lets a test wait for it. */
export class Recorder implements ChannelEvents<Uint8Array> {
  readonly warnings: string[] = [];
  readonly endings: (TransportError | undefined)[] = [];
  readonly discards: ChannelDiscard[] = [];
  drains = 0;
  tap: ChannelTap | undefined;
  bytes = 0;
  #chunks: Buffer[] = [];
  #waiting: (() => boolean)[] = [];

  data(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk));
    this.bytes += chunk.length;
    this.#changed();
  }
  discarded(cause: ChannelDiscard): void {
    this.discards.push(cause);
    this.#changed();
  }
  closed(cause: TransportError | undefined): void {
    this.endings.push(cause);
    this.#changed();
  }
  warning(message: string): void {
    this.warnings.push(message);
    this.#changed();
  }
  drained(): void {
    this.drains += 1;
    this.#changed();
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Resolves as soon as it is true, looked at after every event. */
  until(condition: (recorder: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        if (!condition(this)) return false;
        resolve();
        return true;
      };
      if (!look()) this.#waiting.push(look);
    });
  }

  #changed(): void {
    this.#waiting = this.#waiting.filter((look) => !look());
  }
}
