/** Lines of a console, in the traffic of a link. */
import type { TapDirection } from '../../transport/transport.js';
import type { EventClock } from './event-clock.js';
import type { CrossingEvent, Out, Reader } from './reader.js';

const LF = 0x0a;

/** The lines of both directions, as they are: with prompts and escape sequences. */
export class LineReader implements Reader {
  readonly #parts: Record<TapDirection, Uint8Array> = {
    up: new Uint8Array(0),
    down: new Uint8Array(0),
  };

  constructor(
    private readonly maxLineLength: number,
    private readonly clock: EventClock,
    private readonly out: Out,
  ) {}

  unit(event: CrossingEvent): void {
    if (event.kind !== 'bytes') return;
    const { direction } = event;
    let rest = Buffer.concat([this.#parts[direction], event.bytes]);
    for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
      this.#line(direction, rest.subarray(0, end + 1));
      rest = rest.subarray(end + 1);
    }
    this.#parts[direction] = Uint8Array.from(rest);
    if (rest.length > this.maxLineLength) this.idle(direction);
  }

  /** A line that has not ended is shown as far as it goes: a prompt has no end. */
  idle(direction: TapDirection): void {
    const part = this.#parts[direction];
    this.#parts[direction] = new Uint8Array(0);
    if (part.length > 0) this.#line(direction, part);
  }

  opened(): void {
    this.missed();
  }

  closed(): void {
    this.idle('up');
    this.idle('down');
  }

  missed(): void {
    this.#parts.up = new Uint8Array(0);
    this.#parts.down = new Uint8Array(0);
  }

  #line(direction: TapDirection, bytes: Uint8Array): void {
    const text = Buffer.from(bytes)
      .toString()
      .replace(/\r?\n$/, '');
    const [monotonicMs, wallNs] = [this.clock.monotonicMs(), this.clock.wallNs()];
    this.out({ kind: 'text', direction, monotonicMs, wallNs, bytes, text });
  }
}
