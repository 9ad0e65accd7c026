/**
 * ISO-TP (ISO 15765-2) as in small firmware: normal addressing, one packet at a time
 * in each direction. On an error the packet is lost; the protocol above sends it
 * again. Packets above 4,095 bytes need CAN FD and the escape length (9.6.3.1).
 */
import type { SimClock, SimTimer } from './clock.js';

/** What ISO-TP uses: frames below it, packets above. */
interface IsoTpPort {
  /** Bytes: 8, or 64 with CAN FD. */
  readonly frameLength: number;
  /** Sends the data of a frame. */
  send(data: Uint8Array): void;
  /** A packet was received. */
  packet(bytes: Uint8Array): void;
}

/** Limits for the other side, sent in flow controls. */
export interface IsoTpFlow {
  /** BS: frames until the next flow control; 0: all. */
  readonly blockSize: number;
  /** STmin, ms: 0 … 127. */
  readonly stMin: number;
}

/** For a device with little memory for frames. */
const SMALL_FLOW: IsoTpFlow = { blockSize: 8, stMin: 0 };
/** Longest time until a flow control or the next frame, ms. */
const TIMEOUT_MS = 1000;
const MOST_PACKETS = 16;
const CLASSIC_LENGTH = 4095;
/** Longest packet with CAN FD, bytes. */
const FD_LENGTH = 65_535;
/** Flow control: the packet is too long (9.6.5.2). */
const OVERFLOW = 0x32;
const LENGTHS = [12, 16, 20, 24, 32, 48, 64];

interface Sending {
  readonly packet: Uint8Array;
  at: number;
  count: number;
  timer: SimTimer | undefined;
}

interface Receiving {
  readonly packet: Uint8Array;
  at: number;
  count: number;
  left: number;
  lastMs: number;
}

/** A connection of ISO-TP, from the device's side. */
export class IsoTp {
  readonly #port: IsoTpPort;
  readonly #clock: SimClock;
  readonly #flow: IsoTpFlow;
  readonly #queue: Uint8Array[] = [];
  #sending: Sending | undefined;
  #receiving: Receiving | undefined;

  constructor(port: IsoTpPort, clock: SimClock, flow: IsoTpFlow = SMALL_FLOW) {
    this.#port = port;
    this.#clock = clock;
    this.#flow = flow;
  }

  /** Most bytes of a packet, in both directions. */
  get longest(): number {
    return this.#port.frameLength > 8 ? FD_LENGTH : CLASSIC_LENGTH;
  }

  /** Queues a packet. It is lost if it is too long or the queue is full. */
  send(packet: Uint8Array): void {
    if (this.#queue.length >= MOST_PACKETS || packet.length > this.longest) return;
    this.#queue.push(packet);
    if (this.#sending === undefined) this.#next();
  }

  /** Takes the data of a received frame. */
  frame(data: Uint8Array): void {
    const [first = 0, second = 0] = data;
    switch (first >> 4) {
      case 0: {
        const long = data.length > 8;
        const from = long ? 2 : 1;
        const length = long ? second : first & 15;
        this.#receiving = undefined;
        if (length > 0 && from + length <= data.length) {
          this.#port.packet(data.slice(from, from + length));
        }
        break;
      }
      case 1:
        if (data.length >= 8) this.#begin(((first & 15) << 8) | second, data);
        break;
      case 2:
        this.#continue(first & 15, data.subarray(1));
        break;
      case 3:
        if (data.length >= 3) this.#allowed(first & 15, second, data[2] ?? 0);
        break;
    }
  }

  /** Power off. */
  stop(): void {
    this.#sending?.timer?.cancel();
    this.#sending = undefined;
    this.#receiving = undefined;
    this.#queue.length = 0;
  }

  // Out --------------------------------------------------------------------

  #next(): void {
    for (let packet = this.#queue.shift(); packet !== undefined; packet = this.#queue.shift()) {
      const { frameLength } = this.#port;
      const { length } = packet;
      if (length <= 7) this.#out([length], packet);
      else if (length <= frameLength - 2 && frameLength > 8) this.#out([0, length], packet);
      else {
        const head =
          length <= CLASSIC_LENGTH
            ? [0x10 | (length >> 8), length & 255]
            : [0x10, 0, 0, 0, length >> 8, length & 255];
        const at = frameLength - head.length;
        this.#sending = { packet, at, count: 1, timer: undefined };
        this.#giveUpLater(this.#sending);
        this.#out(head, packet.subarray(0, at));
        return;
      }
    }
  }

  #giveUpLater(sending: Sending): void {
    sending.timer?.cancel();
    sending.timer = this.#clock.setTimer(TIMEOUT_MS, () => {
      this.#done();
    });
  }

  #done(): void {
    this.#sending?.timer?.cancel();
    this.#sending = undefined;
    this.#next();
  }

  #allowed(status: number, blockSize: number, stMin: number): void {
    const sending = this.#sending;
    if (sending === undefined) return;
    if (status === 1) this.#giveUpLater(sending);
    else if (status === 0) this.#block(sending, blockSize, stMin <= 127 ? stMin : 1);
    else this.#done();
  }

  #block(sending: Sending, left: number, pauseMs: number): void {
    const most = this.#port.frameLength - 1;
    let blockLeft = left === 0 ? Number.POSITIVE_INFINITY : left;
    while (sending.at < sending.packet.length && blockLeft > 0) {
      const part = sending.packet.subarray(sending.at, sending.at + most);
      this.#out([0x20 | (sending.count & 15)], part);
      sending.at += part.length;
      sending.count += 1;
      blockLeft -= 1;
      if (pauseMs > 0 && blockLeft > 0 && sending.at < sending.packet.length) {
        sending.timer?.cancel();
        const rest = blockLeft === Number.POSITIVE_INFINITY ? 0 : blockLeft;
        sending.timer = this.#clock.setTimer(pauseMs, () => {
          this.#block(sending, rest, pauseMs);
        });
        return;
      }
    }
    if (sending.at >= sending.packet.length) this.#done();
    else this.#giveUpLater(sending);
  }

  #out(head: readonly number[], bytes: Uint8Array): void {
    const used = head.length + bytes.length;
    const data = new Uint8Array(
      used <= 8 ? used : (LENGTHS.find((length) => length >= used) ?? used),
    );
    data.set(head);
    data.set(bytes, head.length);
    this.#port.send(data);
  }

  // In ---------------------------------------------------------------------

  #begin(plainLength: number, data: Uint8Array): void {
    const escaped = plainLength === 0;
    const bytes = data.subarray(escaped ? 6 : 2);
    const length = escaped ? new DataView(data.buffer, data.byteOffset).getUint32(2) : plainLength;
    if (length <= (escaped ? CLASSIC_LENGTH : bytes.length)) return;
    if (length > this.longest) {
      this.#receiving = undefined;
      this.#out([OVERFLOW, 0, 0], new Uint8Array());
      return;
    }
    const packet = new Uint8Array(length);
    packet.set(bytes);
    this.#receiving = { packet, at: bytes.length, count: 1, left: 0, lastMs: 0 };
    this.#allow(this.#receiving);
  }

  #allow(receiving: Receiving): void {
    const { blockSize, stMin } = this.#flow;
    receiving.left = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
    receiving.lastMs = this.#clock.monotonicMs();
    this.#out([0x30, blockSize, stMin], new Uint8Array());
  }

  #continue(count: number, bytes: Uint8Array): void {
    const receiving = this.#receiving;
    if (receiving === undefined) return;
    const now = this.#clock.monotonicMs();
    if (count !== (receiving.count & 15) || now - receiving.lastMs > TIMEOUT_MS) {
      this.#receiving = undefined;
      return;
    }
    const part = bytes.subarray(0, receiving.packet.length - receiving.at);
    receiving.packet.set(part, receiving.at);
    receiving.at += part.length;
    receiving.count += 1;
    receiving.lastMs = now;
    receiving.left -= 1;
    if (receiving.at === receiving.packet.length) {
      this.#receiving = undefined;
      this.#port.packet(receiving.packet);
    } else if (receiving.left === 0) this.#allow(receiving);
  }
}
