/** Reads ISO-TP between a gateway and a device, both ways, without a part in it. */
import type { Clock } from '../../point/clock.js';
import type { TapDirection } from '../../transport/transport.js';
import type { FrameDiscard } from '../framing.js';
import type { IsoTpOptions } from './options.js';
import { parsePdu, PduWriter, type IsoTpPdu } from './pdu.js';
import { IsoTpReceiver } from './receiver.js';

/** A frame that was seen; `foreign` and `malformed` as `parsePdu` says. */
export type ObservedPdu = IsoTpPdu | 'foreign' | 'malformed';

/** What an observer finds in the frames. */
export interface IsoTpObserverHost {
  /** A packet is complete. Its bytes are valid during the call only. */
  packet(direction: TapDirection, bytes: Uint8Array): void;
  /** Frames make no packet. `length`: bytes of it. */
  discard(direction: TapDirection, cause: FrameDiscard, length: number): void;
}

/** Joins the frames of each direction to packets. */
export class IsoTpObserver {
  readonly #sides: Readonly<Record<TapDirection, Side>>;

  /** `maxLength`: longest packet, bytes. The clock is that of the frames. */
  constructor(host: IsoTpObserverHost, options: IsoTpOptions, clock: Clock, maxLength: number) {
    const { address } = options;
    const side = (direction: TapDirection, own: number | undefined): Side =>
      new Side(host, direction, own, options, clock, maxLength);
    this.#sides = { up: side('up', address?.rx), down: side('down', address?.tx) };
  }

  /** Takes the data of a frame. What it completes is told before this returns. Never throws. */
  frame(direction: TapDirection, data: Uint8Array): ObservedPdu {
    return this.#sides[direction].frame(data);
  }

  /** The bus is open again, so that no packet begins before its first frame. */
  opened(): void {
    this.#sides.up.reset(true);
    this.#sides.down.reset(true);
  }

  /** Frames may be missing now: those of a packet whose beginning was not seen are no error. */
  missed(): void {
    this.#sides.up.reset(false);
    this.#sides.down.reset(false);
  }
}

/** The frames of one direction. */
class Side {
  readonly #receiver: IsoTpReceiver;
  /** The beginning of a packet was seen. */
  #joined = false;

  constructor(
    private readonly host: IsoTpObserverHost,
    private readonly direction: TapDirection,
    private readonly address: number | undefined,
    options: IsoTpOptions,
    clock: Clock,
    maxLength: number,
  ) {
    this.#receiver = new IsoTpReceiver(
      {
        // The real receiver sends its own flow control, which is seen as a frame.
        write: () => true,
        packet: (bytes) => host.packet(direction, bytes),
        discard: (cause, length) => host.discard(direction, cause, length),
      },
      new PduWriter(undefined, undefined, options.frameLength),
      clock,
      options,
      maxLength,
    );
  }

  frame(data: Uint8Array): ObservedPdu {
    const pdu = parsePdu(data, this.address);
    if (pdu === 'malformed') this.host.discard(this.direction, 'isoTpFrame', data.length);
    if (typeof pdu === 'string' || pdu.kind === 'flowControl') return pdu;
    if (pdu.kind !== 'consecutive') this.#joined = true;
    if (this.#joined) this.#receiver.push(pdu);
    return pdu;
  }

  reset(joined: boolean): void {
    this.#receiver.reset();
    this.#joined = joined;
  }
}
