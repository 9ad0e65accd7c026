/**
 * Joins the frames of a device to packets (ISO 15765-2:2016, 9.3, 9.5 and 9.8):
 *
 * ```
 *         single frame ─► packet
 *  idle ─ first frame ──► flow control ─► consecutive frames ─┬─► packet
 *                              ▲                              │
 *                              └──────── block received ──────┘
 * ```
 *
 * A packet ends early on a single or first frame, with which the device starts a new
 * one, on a frame out of sequence, or without a frame for N_Cr. Other frames that
 * are not due are ignored.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { FrameDiscard } from '../framing.js';
import { ISO_TP_TIMEOUTS } from './options.js';
import type { IsoTpPdu, PduWriter } from './pdu.js';

/** What a receiver uses. */
interface IsoTpReceiverHost {
  /** Sends the data of a CAN frame. False: taken, but the controller has not sent it yet. */
  write(frame: Uint8Array): boolean;
  /** A packet was received. Its bytes are valid during the call only. */
  packet(bytes: Uint8Array): void;
  /** `length`: bytes thrown away. */
  discard(cause: FrameDiscard, length: number): void;
}

type Incoming = Exclude<IsoTpPdu, { readonly kind: 'flowControl' }>;

interface Reception {
  readonly packet: Uint8Array;
  at: number;
  /** 0 … 15, of the next frame. */
  sequence: number;
  /** Frames until the next flow control. */
  blockLeft: number;
  /** Bytes of each CAN frame but the last. */
  readonly frameLength: number;
  /** Time of the last frame or of our flow control, monotonic ms. */
  lastMs: number;
  timer: Timer;
}

/** Receives one packet at a time. */
export class IsoTpReceiver {
  #reception: Reception | undefined;
  /** A flow control that the controller has not sent yet. */
  #unsent: Uint8Array | undefined;
  /** The flow control to send after it. */
  #next: Uint8Array | undefined;

  constructor(
    private readonly host: IsoTpReceiverHost,
    private readonly writer: PduWriter,
    private readonly clock: Clock,
    private readonly flow: { readonly blockSize: number; readonly stMin: number },
    /** Longest packet, bytes. */
    private readonly maxLength: number,
  ) {}

  push(pdu: Incoming): void {
    switch (pdu.kind) {
      case 'single':
        this.#abandon('isoTpUnexpected');
        if (pdu.data.length > this.maxLength) this.host.discard('oversize', pdu.data.length);
        else this.host.packet(pdu.data);
        break;
      case 'first':
        this.#abandon('isoTpUnexpected');
        this.#begin(pdu);
        break;
      case 'consecutive':
        this.#continue(pdu);
        break;
    }
  }

  /** The controller takes frames again and has sent our flow control: N_Cr begins. */
  drained(): void {
    if (this.#unsent === undefined) return;
    const next = this.#next;
    this.#unsent = undefined;
    this.#next = undefined;
    if (this.#reception !== undefined) this.#reception.lastMs = this.clock.monotonicMs();
    if (next !== undefined) this.#answer(next);
  }

  /** The channel is gone: forgets what was received. */
  reset(): void {
    this.#unsent = undefined;
    this.#next = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#reception?.timer.cancel();
    this.#reception = undefined;
  }

  #begin({ length, data, frameLength }: Incoming & { readonly kind: 'first' }): void {
    if (length > this.maxLength) {
      this.#answer(this.writer.flowControl('overflow', 0, 0));
      this.host.discard('oversize', data.length);
      return;
    }
    const packet = new Uint8Array(length);
    packet.set(data);
    this.#reception = {
      packet,
      at: data.length,
      sequence: 1,
      blockLeft: 0,
      frameLength,
      lastMs: 0,
      timer: this.#watch(ISO_TP_TIMEOUTS.cr),
    };
    this.#allowBlock(this.#reception);
  }

  #continue({ sequence, data, frameLength }: Incoming & { readonly kind: 'consecutive' }): void {
    const reception = this.#reception;
    if (reception === undefined) {
      this.host.discard('isoTpUnexpected', data.length);
      return;
    }
    if (sequence !== reception.sequence) {
      this.#abandon('isoTpSequence');
      return;
    }
    const left = reception.packet.length - reception.at;
    const bytes = data.subarray(0, left);
    // All frames are as long as the first. The last may be shorter, if it holds the rest (9.6.4).
    const fits = frameLength <= reception.frameLength;
    if (!fits || (bytes.length < left && frameLength < reception.frameLength)) {
      this.host.discard('isoTpFrame', data.length);
      return;
    }
    reception.packet.set(bytes, reception.at);
    reception.at += bytes.length;
    reception.sequence = (sequence + 1) & 0x0f;
    reception.lastMs = this.clock.monotonicMs();
    if (bytes.length === left) {
      this.#forget();
      this.host.packet(reception.packet);
      return;
    }
    reception.blockLeft -= 1;
    if (reception.blockLeft === 0) this.#allowBlock(reception);
  }

  #allowBlock(reception: Reception): void {
    const { blockSize, stMin } = this.flow;
    reception.blockLeft = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
    reception.lastMs = this.clock.monotonicMs();
    this.#answer(this.writer.flowControl('continue', blockSize, stMin));
  }

  /** Sends a flow control. While one is unsent, only the newest waits behind it, if it differs. */
  #answer(flowControl: Uint8Array): void {
    if (this.#unsent === undefined) {
      if (!this.host.write(flowControl)) this.#unsent = flowControl;
    } else {
      this.#next = Buffer.compare(flowControl, this.#unsent) === 0 ? undefined : flowControl;
    }
  }

  /** One timer for N_Ar and N_Cr, which starts again where time is left: cheaper than a timer for each frame. */
  #watch(ms: number): Timer {
    return this.clock.setTimer(ms, () => {
      const reception = this.#reception;
      if (reception === undefined) return;
      const allowed = this.#unsent !== undefined ? ISO_TP_TIMEOUTS.a : ISO_TP_TIMEOUTS.cr;
      const leftMs = reception.lastMs + allowed - this.clock.monotonicMs();
      if (leftMs > 0) reception.timer = this.#watch(leftMs);
      else this.#abandon('isoTpTimeout');
    });
  }

  #abandon(cause: FrameDiscard): void {
    const reception = this.#reception;
    if (reception === undefined) return;
    this.#forget();
    this.host.discard(cause, reception.at);
  }
}
