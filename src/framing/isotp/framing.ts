import type { Clock } from '../../point/clock.js';
import type { Frame } from '../../transport/frame.js';
import type {
  BusStatus,
  ChannelEvents,
  FrameChannel,
  TransportOf,
} from '../../transport/transport.js';
import { cobs } from '../cobs.js';
import type { FrameDiscard, Framing } from '../framing.js';
import { IsoTpConnection } from './isotp.js';
import type { IsoTpOptions } from './options.js';

/** Packets over an {@link IsoTpTransport}, of which each frame is one packet. */
export const isoTp: Framing<Frame> = {
  name: 'isotp',
  createDeframer: (sink) => ({
    push: ({ data }) => sink.frame(data),
    reset: () => undefined,
  }),
  encode: (packet) => packet,
  unitOf: (data) => ({ data }),
  cobsOf: ({ data }) => cobs.encode(data),
};

/** What an {@link IsoTpTransport} needs besides its options. */
interface IsoTpParts {
  readonly clock: Clock;
  /** Longest packet that may be received, bytes. */
  readonly maxFrameLength: number;
  /** Called for each CAN frame of the device, before it is looked at. */
  readonly frame: () => void;
  /** Called for each discard; `length`: bytes thrown away. */
  readonly discard: (cause: FrameDiscard, length: number) => void;
}

/** Packets by ISO-TP over CAN frames. */
export class IsoTpTransport implements TransportOf<Frame> {
  readonly description: string;
  readonly bus?: () => BusStatus;
  readonly #inner: TransportOf<Frame>;
  readonly #options: IsoTpOptions;
  readonly #clock: Clock;
  readonly #maxLength: number;
  readonly #frame: () => void;
  readonly #discard: (cause: FrameDiscard, length: number) => void;

  constructor(
    inner: TransportOf<Frame>,
    options: IsoTpOptions,
    { clock, maxFrameLength, frame, discard }: IsoTpParts,
  ) {
    this.description = `${inner.description} isotp`;
    if (inner.bus !== undefined) this.bus = inner.bus.bind(inner);
    this.#inner = inner;
    this.#options = options;
    this.#clock = clock;
    this.#maxLength = maxFrameLength;
    this.#frame = frame;
    this.#discard = discard;
  }

  async open(events: ChannelEvents<Frame>): Promise<FrameChannel> {
    const connection: IsoTpConnection = new IsoTpConnection(
      {
        write: (data) => channel.write({ data }),
        packet: (data) => events.data({ data }),
        discard: this.#discard,
        ready: () => events.drained(),
      },
      this.#options,
      this.#clock,
      this.#maxLength,
    );
    const channel = await this.#inner.open({
      data: ({ data }) => {
        this.#frame();
        connection.receive(data);
      },
      discarded: (cause, detail) => events.discarded(cause, detail),
      closed: (cause) => {
        connection.reset();
        events.closed(cause);
      },
      warning: (message) => events.warning(message),
      drained: () => connection.drained(),
      tap: events.tap,
    });
    return new IsoTpChannel(channel, connection);
  }
}

class IsoTpChannel implements FrameChannel {
  constructor(
    private readonly inner: FrameChannel,
    private readonly connection: IsoTpConnection,
  ) {}

  get queued(): number {
    return this.connection.queued;
  }

  write({ data }: Frame): boolean {
    return this.connection.send(data);
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
