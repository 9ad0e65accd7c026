import type { Clock } from '../../point/clock.js';
import type { BusStatus, Channel, ChannelEvents, Transport } from '../../transport/transport.js';
import type { Deframer, FrameDiscard, FrameSink, Framing, FramingParts } from '../framing.js';
import { IsoTpConnection } from './isotp.js';
import type { IsoTpOptions } from './options.js';

/**
 * Frames are packets of ISO-TP, which has a conversation of its own below the
 * session. On their way up they are a stream of bytes, as those of every other
 * channel, each packet with its length in front.
 */
export function isoTp(options: IsoTpOptions): Framing {
  return {
    name: 'isotp',
    createDeframer: (sink, maxFrameLength) => new PacketDeframer(sink, maxFrameLength),
    encode: (frame) => frame,
    over: (transport, parts) => new IsoTpTransport(transport, options, parts),
  };
}

const LENGTH_BYTES = 4;

function withLength(packet: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + packet.length);
  bytes.writeUInt32LE(packet.length);
  bytes.set(packet, LENGTH_BYTES);
  return bytes;
}

/** Takes any chunking of packets with their lengths. */
class PacketDeframer implements Deframer {
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  readonly #packet: Uint8Array;
  /** Bytes of length and packet so far. */
  #at = 0;

  constructor(
    private readonly sink: FrameSink,
    maxFrameLength: number,
  ) {
    this.#packet = new Uint8Array(maxFrameLength);
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      if (this.#at < LENGTH_BYTES) {
        this.#length[this.#at++] = chunk[from++] ?? 0;
        continue;
      }
      const length = this.#length.readUInt32LE();
      const at = this.#at - LENGTH_BYTES;
      const part = chunk.subarray(from, from + length - at);
      this.#packet.set(part, at);
      this.#at += part.length;
      from += part.length;
      if (at + part.length < length) continue;
      this.#at = 0;
      this.sink.frame(this.#packet.subarray(0, length));
    }
  }

  reset(): void {
    this.#at = 0;
  }
}

/** Turns the frames of a CAN channel into packets; what is written is one packet each. */
class IsoTpTransport implements Transport {
  readonly description: string;
  readonly bus?: () => BusStatus;
  readonly #inner: Transport;
  readonly #options: IsoTpOptions;
  readonly #clock: Clock;
  readonly #maxLength: number;
  readonly #discard: (cause: FrameDiscard, length: number) => void;

  constructor(
    inner: Transport,
    options: IsoTpOptions,
    { clock, maxFrameLength, discard }: FramingParts,
  ) {
    this.description = `${inner.description} isotp`;
    if (inner.bus !== undefined) this.bus = inner.bus.bind(inner);
    this.#inner = inner;
    this.#options = options;
    this.#clock = clock;
    this.#maxLength = maxFrameLength;
    this.#discard = discard;
  }

  async open(events: ChannelEvents): Promise<Channel> {
    const connection: IsoTpConnection = new IsoTpConnection(
      {
        write: (frame) => channel.write(frame),
        packet: (bytes) => events.data(withLength(bytes)),
        discard: this.#discard,
        ready: () => events.drained(),
      },
      this.#options,
      this.#clock,
      this.#maxLength,
    );
    const channel = await this.#inner.open({
      data: (frame) => connection.receive(frame),
      discarded: (cause, detail) => events.discarded(cause, detail),
      closed: (cause) => {
        connection.reset();
        events.closed(cause);
      },
      warning: (message) => events.warning(message),
      drained: () => connection.drained(),
    });
    return new IsoTpChannel(channel, connection);
  }
}

class IsoTpChannel implements Channel {
  constructor(
    private readonly inner: Channel,
    private readonly connection: IsoTpConnection,
  ) {}

  get queued(): number {
    return this.connection.queued;
  }

  write(packet: Uint8Array): boolean {
    return this.connection.send(packet);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  close(): Promise<void> {
    this.connection.reset();
    return this.inner.close();
  }
}
