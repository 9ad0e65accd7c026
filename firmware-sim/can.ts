import { decodeCobs, encodeFrame } from './cobs.js';
import { IsoTp, type IsoTpFlow } from './isotp.js';
import type { SimClock } from './clock.js';
import type { BytePipe } from './pipe.js';

/** CAN frames of the device: it sends with one identifier and receives another. The caller of the simulator provides it. */
export interface CanPort {
  /** Most bytes of a frame: 8, or 64 of CAN FD. */
  readonly frameLength: 8 | 64;
  /** Sends the data of a frame. A frame that the bus does not take is lost. */
  send(data: Uint8Array): void;
  /** Data of a frame from the gateway, valid during the call only. */
  onFrame: ((data: Uint8Array) => void) | undefined;
  /** Whether the bus can be used has changed. */
  onPeer: ((present: boolean) => void) | undefined;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Options of `--can`; `txId` is what the device sends with. */
export interface CanSettings {
  readonly interface: string;
  readonly txId: number;
  readonly rxId: number;
  readonly extendedIds: boolean;
  readonly fd: boolean;
}

/** Default identifiers. They fit gateway.example.yaml, whose `txId` is the device's `rxId`. */
export const CAN_IDS = { txId: 0x124, rxId: 0x123 } as const;

const FD_LENGTHS = [12, 16, 20, 24, 32, 48, 64];

/** A stream of bytes, cut into frames. The zeros that fill a frame of CAN FD are empty frames of COBS. */
export class CanPipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  readonly #port: CanPort;

  constructor(port: CanPort) {
    this.#port = port;
    port.onFrame = (data) => this.onData?.(data);
    port.onPeer = (present) => this.onPeer?.(present);
  }

  write(bytes: Uint8Array): void {
    const most = this.#port.frameLength;
    for (let at = 0; at < bytes.length; at += most) {
      const part = bytes.subarray(at, at + most);
      const length = part.length <= 8 ? part.length : FD_LENGTHS.find((one) => one >= part.length);
      const data = new Uint8Array(length ?? part.length);
      data.set(part);
      this.#port.send(data);
    }
  }

  close(): Promise<void> {
    return this.#port.close();
  }
}

/**
 * Packets by ISO-TP. The device knows only COBS, as on a UART: what it writes is
 * decoded here, and received packets are encoded for it.
 */
export class IsoTpPipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  readonly #port: CanPort;
  readonly #isoTp: IsoTp;
  /** Most bytes of an encoded packet. A longer one is kept so far, to be too long after decoding. */
  readonly #room: number;
  #partial: number[] = [];

  constructor(port: CanPort, clock: SimClock, flow?: IsoTpFlow) {
    this.#port = port;
    this.#isoTp = new IsoTp(
      {
        frameLength: port.frameLength,
        send: (data) => {
          port.send(data);
        },
        packet: (packet) => this.onData?.(encodeFrame(packet)),
      },
      clock,
      flow,
    );
    this.#room = this.#isoTp.longest + Math.ceil(this.#isoTp.longest / 254) + 2;
    port.onFrame = (data) => {
      this.#isoTp.frame(data);
    };
    port.onPeer = (present) => this.onPeer?.(present);
  }

  write(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== 0) {
        if (this.#partial.length < this.#room) this.#partial.push(byte);
        continue;
      }
      const packet = decodeCobs(Uint8Array.from(this.#partial));
      this.#partial = [];
      if (packet !== undefined && packet.length > 0) this.#isoTp.send(packet);
    }
  }

  close(): Promise<void> {
    this.#isoTp.stop();
    return this.#port.close();
  }
}
