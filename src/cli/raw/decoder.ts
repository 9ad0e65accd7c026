/**
 * The traffic of a link, decoded for people and programs: what the tap tells of its
 * channels, read as the gateway reads it, but of both directions.
 *
 * ```
 *                ┌ ByteStream (each way) ──┐
 *  LinkEvent ────┤                         ├─► PacketReader ─► Decoded
 *                ├ IsoTpObserver ──────────┘                      ▲
 *                └ signals of the database ───────────────────────┘
 * ```
 *
 * It may begin in the middle: a frame whose beginning was not seen is no error.
 */
import { IsoTpObserver } from '../../framing/framings.js';
import type { TrafficEvent } from '../../gateway/control/verbs/raw-message.js';
import type { LinkFormat } from '../../gateway/link/format.js';
import { DatabaseCodec } from '../../signals/database-codec.js';
import { readDatabase } from '../../signals/formats.js';
import type { CanFrame } from '../../transport/frame.js';
import type { TapDirection } from '../../transport/transport.js';
import { ByteStream, STREAM_IDLE_MS } from './byte-stream.js';
import type { CrossedItem, Crossing, FrameMeaning } from './decoded.js';
import { EventClock } from './event-clock.js';
import { LineReader } from './lines.js';
import { PacketReader } from './packets.js';
import type { CrossingEvent, Out, Reader } from './reader.js';

/** Decodes the traffic of one link. */
export class RawDecoder {
  readonly #clock = new EventClock();
  readonly #last: Record<TapDirection, number> = { up: Infinity, down: Infinity };
  #reader: Reader;
  /** When the last event was, at the gateway. */
  #eventMs = 0;

  constructor(
    format: LinkFormat,
    private readonly out: Out,
  ) {
    this.#reader = readerOf(format, this.#clock, out);
  }

  event(event: TrafficEvent): void {
    this.#read(event);
    this.#eventMs = this.#clock.monotonicMs();
  }

  /** No event has followed the last one for so long, ms: it counts from that event, however often this is called. */
  idle(ms: number): void {
    this.#pass(this.#eventMs + ms, this.#clock.wallNs());
  }

  #read(event: TrafficEvent): void {
    switch (event.kind) {
      case 'bytes':
      case 'frame':
        this.#pass(event.monotonicMs, event.wallNs);
        this.#last[event.direction] = event.monotonicMs;
        this.#reader.unit(event);
        return;
      case 'opened':
        this.#goTo(event.monotonicMs, event.wallNs);
        this.#reader.opened();
        this.out({ kind: 'opened', wallNs: event.wallNs, transport: event.transport });
        return;
      case 'closed':
        this.#goTo(event.monotonicMs, event.wallNs);
        this.#reader.closed();
        this.out({ kind: 'closed', wallNs: event.wallNs, reason: event.reason });
        return;
      case 'discarded':
        this.#goTo(event.monotonicMs, event.wallNs);
        this.out({ kind: 'channelDiscard', wallNs: event.wallNs, cause: event.cause });
        return;
      case 'lost':
        this.#reader.missed();
        this.out(event);
        return;
      case 'link':
        this.#reader.closed();
        this.#reader = readerOf(event.link.format, this.#clock, this.out);
        this.#note('the link is configured otherwise now, and its traffic is read as that says');
        return;
      case 'removed':
        this.#note('the link was removed from the configuration');
    }
  }

  /** It is that late at the gateway, and all that has crossed the link was told. */
  #pass(monotonicMs: number, wallNs: bigint): void {
    for (const direction of ['up', 'down'] as const) {
      if (monotonicMs - this.#last[direction] < STREAM_IDLE_MS) continue;
      this.#last[direction] = Infinity;
      this.#reader.idle(direction);
    }
    this.#goTo(monotonicMs, wallNs);
  }

  #note(text: string): void {
    this.out({ kind: 'note', wallNs: this.#clock.wallNs(), text });
  }

  #goTo(monotonicMs: number, wallNs: bigint): void {
    this.#clock.moveTo(monotonicMs, wallNs);
  }
}

function readerOf(format: LinkFormat, clock: EventClock, out: Out): Reader {
  switch (format.kind) {
    case 'cobs':
      return new CobsReader(format, clock, out);
    case 'isotp':
      return new IsoTpReader(format, clock, out);
    case 'signals':
      return new SignalReader(format, clock, out);
    case 'lines':
      return new LineReader(format.maxLineLength, clock, out);
  }
}

/** What of an event each line says. */
const frameLine = (
  { direction, monotonicMs, wallNs }: Crossing,
  frame: CanFrame,
  meaning: FrameMeaning = {},
): CrossedItem => ({
  kind: 'frame',
  direction,
  monotonicMs,
  wallNs,
  bytes: frame.data,
  frame,
  ...meaning,
});

/** Makes lines of packets, whatever they came in. */
class PacketLines {
  readonly #packets: PacketReader;

  constructor(
    format: Extract<LinkFormat, { readonly kind: 'cobs' | 'isotp' }>,
    private readonly clock: EventClock,
    private readonly out: Out,
  ) {
    this.#packets = new PacketReader(format, clock);
  }

  opened(): void {
    this.#packets.opened();
  }

  closed(): void {
    this.#packets.closed();
  }

  broken(): void {
    this.#packets.broken();
  }

  packet(direction: TapDirection, packet: Uint8Array, bytes: Uint8Array): void {
    const read = this.#packets.read(direction, packet, bytes.length);
    this.line(
      direction,
      bytes,
      'cause' in read ? { kind: 'discarded', ...read } : { kind: 'packet', packet: read },
    );
  }

  line(direction: TapDirection, bytes: Uint8Array, what: LineContent): void {
    const { clock } = this;
    const [monotonicMs, wallNs] = [clock.monotonicMs(), clock.wallNs()];
    this.out({ direction, monotonicMs, wallNs, bytes, ...what });
  }
}

type WithoutCrossing<T> = T extends unknown ? Omit<T, keyof Crossing | 'bytes'> : never;
type LineContent = WithoutCrossing<CrossedItem>;

/** Packets in COBS: over bytes, or over the data of CAN frames. */
class CobsReader implements Reader {
  readonly #lines: PacketLines;
  readonly #streams: Readonly<Record<TapDirection, ByteStream>>;

  constructor(
    private readonly format: Extract<LinkFormat, { readonly kind: 'cobs' }>,
    clock: EventClock,
    private readonly out: Out,
  ) {
    this.#lines = new PacketLines(format, clock, out);
    // What the gateway writes begins with a frame.
    this.#streams = { up: this.#stream('up', false), down: this.#stream('down', true) };
  }

  #stream(direction: TapDirection, joined: boolean): ByteStream {
    const lines = this.#lines;
    return new ByteStream(
      {
        frame: (packet, bytes) => lines.packet(direction, packet, bytes),
        discard: (cause, bytes, text) => {
          if (direction === 'up') lines.broken();
          const said = text === undefined ? {} : { text };
          lines.line(direction, bytes, { kind: 'discarded', cause, ...said });
        },
        text: (text, bytes) => lines.line(direction, bytes, { kind: 'text', text }),
        incomplete: (bytes) => lines.line(direction, bytes, { kind: 'incomplete' }),
        cut: (bytes) => lines.line(direction, bytes, { kind: 'cut' }),
        zeros: (bytes) => lines.line(direction, bytes, { kind: 'zeros' }),
      },
      this.format.maxFrameLength,
      joined,
    );
  }

  unit(event: CrossingEvent): void {
    const stream = this.#streams[event.direction];
    if (event.kind === 'bytes') {
      stream.push(event.bytes);
      return;
    }
    const { frame } = event;
    this.out(frameLine(event, frame));
    if (!frame.fd || this.format.canFd === true) stream.push(frame.data);
  }

  idle(direction: TapDirection): void {
    this.#streams[direction].idle();
  }

  opened(): void {
    this.#restart(true);
    this.#lines.opened();
  }

  closed(): void {
    this.#restart(true);
    this.#lines.closed();
  }

  missed(): void {
    this.#restart(false);
  }

  #restart(joined: boolean): void {
    this.#streams.up.restart(joined);
    this.#streams.down.restart(joined);
  }
}

/** Packets in ISO-TP. */
class IsoTpReader implements Reader {
  readonly #lines: PacketLines;
  readonly #observer: IsoTpObserver;
  /** Of the frame that is read: they follow its line. */
  #found: (() => void)[] = [];
  #reading = false;

  constructor(
    private readonly format: Extract<LinkFormat, { readonly kind: 'isotp' }>,
    clock: EventClock,
    private readonly out: Out,
  ) {
    const lines = new PacketLines(format, clock, out);
    this.#lines = lines;
    const tell = (line: () => void): void => {
      if (this.#reading) this.#found.push(line);
      else line();
    };
    this.#observer = new IsoTpObserver(
      {
        packet: (direction, packet) => {
          const bytes = Uint8Array.from(packet);
          tell(() => lines.packet(direction, bytes, bytes));
        },
        discard: (direction, cause, length) =>
          tell(() => lines.line(direction, new Uint8Array(), { kind: 'discarded', cause, length })),
      },
      format.isotp,
      clock,
      format.maxFrameLength,
    );
  }

  unit(event: CrossingEvent): void {
    if (event.kind === 'bytes') return;
    const { frame, direction } = event;
    const isTaken = frame.data.length > 0 && (!frame.fd || this.format.canFd);
    if (!isTaken) {
      this.out(frameLine(event, frame));
      return;
    }
    this.#reading = true;
    const isoTp = this.#observer.frame(direction, frame.data);
    this.#reading = false;
    this.out(frameLine(event, frame, { isoTp }));
    for (const line of this.#found.splice(0)) line();
  }

  idle(): void {
    // The clock that moves on ends packets that nothing follows.
  }

  opened(): void {
    this.#observer.opened();
    this.#lines.opened();
  }

  closed(): void {
    this.#observer.opened();
    this.#lines.closed();
  }

  missed(): void {
    this.#observer.missed();
  }
}

/** Frames that a database explains. */
class SignalReader implements Reader {
  /** `undefined`: the gateway did not send the database. */
  readonly #codec: DatabaseCodec | undefined;

  constructor(
    { database: { file, content, bus } }: Extract<LinkFormat, { readonly kind: 'signals' }>,
    clock: EventClock,
    private readonly out: Out,
  ) {
    if (content === undefined) {
      const text = `the database ${file} is too large to be sent: its frames are not decoded`;
      out({ kind: 'note', wallNs: clock.wallNs(), text });
    } else this.#codec = new DatabaseCodec(readDatabase(Buffer.from(content, 'base64'), bus));
  }

  unit(event: CrossingEvent): void {
    if (event.kind === 'bytes') return;
    const message = this.#codec?.find(event.frame);
    this.out(frameLine(event, event.frame, message && { message }));
  }

  idle(): void {}
  opened(): void {}
  closed(): void {}
  missed(): void {}
}
