import type { Frame } from './frame.js';
import type {
  BusStatus,
  ByteChannel,
  ByteTransport,
  ChannelEvents,
  FrameChannel,
  FrameTransport,
} from './transport.js';

/**
 * A stream of bytes over frames, such as COBS over CAN. Each write is cut into
 * frames as long as possible; two writes never share a frame. The data of received
 * frames is the stream the other way.
 */
export class FrameStream implements ByteTransport {
  readonly unit = 'bytes';
  readonly bus?: () => BusStatus;

  constructor(private readonly frames: FrameTransport) {
    if (frames.bus !== undefined) this.bus = frames.bus.bind(frames);
  }

  get description(): string {
    return this.frames.description;
  }

  async open(events: ChannelEvents<Uint8Array>): Promise<ByteChannel> {
    const channel = await this.frames.open({
      data: ({ data }: Frame) => {
        if (data.length > 0) events.data(data);
      },
      discarded: (cause, detail) => events.discarded(cause, detail),
      closed: (cause) => events.closed(cause),
      warning: (message) => events.warning(message),
      drained: () => events.drained(),
      tap: events.tap,
    });
    return new StreamChannel(channel, this.frames.frameLength);
  }
}

class StreamChannel implements ByteChannel {
  constructor(
    private readonly frames: FrameChannel,
    private readonly frameLength: number,
  ) {}

  get queued(): number {
    return this.frames.queued;
  }

  write(bytes: Uint8Array): boolean {
    let taken = true;
    for (let at = 0; at < bytes.length; at += this.frameLength) {
      const data = bytes.subarray(at, at + this.frameLength);
      taken = this.frames.write({ data }) && taken;
    }
    return taken;
  }

  pause(): void {
    this.frames.pause();
  }

  resume(): void {
    this.frames.resume();
  }

  close(): Promise<void> {
    return this.frames.close();
  }
}
