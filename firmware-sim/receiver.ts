import { decodeCobs, repairedDecodings } from './cobs.js';
import { decodePacket, type McuPacket } from './packet.js';

/** Why received bytes were thrown away. */
export type ReceiveProblem = 'oversize' | 'malformed' | 'short' | 'crc';

/** Results of a {@link PacketReceiver}. */
export interface ReceiverEvents {
  /** `bytes`: the whole packet. `repaired`: with a zero that SIOT's encoder had lost. */
  packet(packet: McuPacket, bytes: Uint8Array, repaired: boolean): void;
  /** `length`: encoded bytes thrown away. */
  problem(problem: ReceiveProblem, length: number): void;
}

/**
 * Finds packets in bytes, as a microcontroller does: a buffer of fixed size, and a
 * frame ends at each zero. When the CRC is wrong, it tries {@link repairedDecodings}.
 */
export class PacketReceiver {
  readonly #buffer: Uint8Array;
  #length = 0;
  #overflow = 0;

  /** `maxFrameLength`: longest frame, with both zeros, bytes. */
  constructor(
    private readonly events: ReceiverEvents,
    maxFrameLength = 1024,
  ) {
    this.#buffer = new Uint8Array(maxFrameLength - 2);
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === 0) this.#end();
      else if (this.#length < this.#buffer.length) this.#buffer[this.#length++] = byte;
      else this.#overflow += 1;
    }
  }

  /** Forgets the present frame, at a restart of the device. */
  reset(): void {
    this.#length = 0;
    this.#overflow = 0;
  }

  #end(): void {
    const length = this.#length + this.#overflow;
    const encoded = this.#buffer.slice(0, this.#length);
    const tooLong = this.#overflow > 0;
    this.reset();
    if (length === 0) return;
    if (tooLong) {
      this.events.problem('oversize', length);
      return;
    }
    const bytes = decodeCobs(encoded);
    if (bytes === undefined) {
      this.events.problem('malformed', length);
      return;
    }
    const packet = decodePacket(bytes);
    if (typeof packet === 'object') {
      this.events.packet(packet, bytes, false);
      return;
    }
    if (packet === 'crc') {
      for (const candidate of repairedDecodings(encoded)) {
        const repaired = decodePacket(candidate);
        if (typeof repaired !== 'object') continue;
        this.events.packet(repaired, candidate, true);
        return;
      }
    }
    this.events.problem(packet, length);
  }
}
