/**
 * Sends one packet at a time over ISO-TP (ISO 15765-2:2016, 9.3, 9.5 and 9.8):
 *
 * ```
 *              ┌ fits ─► single frame ───────────────────────────────────► sent
 *  idle ─ send ┤
 *              └ first frame ─► flow control? ─ continue ─► block of frames ─► sent
 *                                 ▲    │wait                     │ block sent
 *                                 └────┴─────────────────────────┘
 * ```
 *
 * While the controller does not take a frame, the packet waits.
 */
import type { Clock, Timer } from '../../point/clock.js';
import { ISO_TP_MOST_WAITS, ISO_TP_TIMEOUTS } from './options.js';
import type { IsoTpPdu, PduWriter } from './pdu.js';

/**
 * How a transmission ends.
 * - `notTaken`: the controller did not send a frame for N_As: no other node is on the bus
 * - `noFlowControl`: no flow control came within N_Bs
 * - `overflow`: the device has no room for the packet
 * - `tooManyWaits`: it has sent more than {@link ISO_TP_MOST_WAITS} waits
 * - `invalidStatus`: it has sent a flow control with a reserved status
 */
export type SendOutcome =
  'sent' | 'notTaken' | 'noFlowControl' | 'overflow' | 'tooManyWaits' | 'invalidStatus';

/** What a sender uses. */
interface IsoTpSenderHost {
  /** Sends the data of a CAN frame. False: taken, but no more until {@link IsoTpSender.drained}. */
  write(frame: Uint8Array): boolean;
  /** The packet has ended; the next may be sent. */
  ended(outcome: SendOutcome): void;
}

/** What follows a frame. */
type Step = 'flowControl' | 'frames' | 'end';

type State =
  | { readonly name: 'idle' }
  /** A frame was written, but the controller has not taken it yet. */
  | { readonly name: 'draining'; readonly then: Step; readonly timer: Timer }
  | { readonly name: 'flowControl'; readonly waits: number; readonly timer: Timer }
  /** Until STmin of the device is over. */
  | { readonly name: 'pausing'; readonly timer: Timer };

/** Sends one packet at a time. */
export class IsoTpSender {
  #state: State = { name: 'idle' };
  #packet: Uint8Array = new Uint8Array();
  /** Bytes of the packet that were written. */
  #at = 0;
  /** Bytes of the packet in its first frame. */
  #inFirst = 0;
  /** 0 … 15, of the next frame. */
  #sequence = 0;
  #blockLeft = 0;
  /** BS of the last flow control was not 0: the device sends several flow controls for a packet. */
  #hasBlocks = false;
  /** ms */
  #stMin = 0;

  constructor(
    private readonly host: IsoTpSenderHost,
    private readonly writer: PduWriter,
    private readonly clock: Clock,
  ) {}

  get busy(): boolean {
    return this.#state.name !== 'idle';
  }

  /** Only when not {@link busy}. The packet stays unchanged until its end. */
  send(packet: Uint8Array): void {
    if (packet.length <= this.writer.singleCapacity) {
      this.#write(this.writer.single(packet), 'end');
      return;
    }
    this.#packet = packet;
    this.#sequence = 1;
    const { frame, taken } = this.writer.first(packet);
    this.#at = taken;
    this.#inFirst = taken;
    this.#write(frame, 'flowControl');
  }

  /**
   * Sends the first frame again, if the device has not answered it: the frame, or its
   * answer, may be lost, and N_Bs is longer than the timeout of a packet. Not for a
   * device that wants blocks: a late answer to the first frame that was sent before
   * would be taken for the flow control of the next block.
   */
  again(): void {
    const state = this.#state;
    const isFirstOut = state.name === 'flowControl' && this.#at === this.#inFirst;
    if (!isFirstOut || state.waits > 0 || this.#hasBlocks) return;
    state.timer.cancel();
    this.send(this.#packet);
  }

  /** False: no flow control is due; it is ignored (9.8.3). */
  flowControl({ status, blockSize, stMin }: IsoTpPdu & { readonly kind: 'flowControl' }): boolean {
    const state = this.#state;
    // A flow control for a frame proves that the controller has sent it.
    const due =
      state.name === 'flowControl' || (state.name === 'draining' && state.then === 'flowControl');
    if (!due) return false;
    state.timer.cancel();
    switch (status) {
      case 'continue':
        this.#blockLeft = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
        this.#hasBlocks = blockSize > 0;
        this.#stMin = stMin;
        this.#sendFrames();
        break;
      case 'wait': {
        const waits = state.name === 'flowControl' ? state.waits + 1 : 1;
        if (waits > ISO_TP_MOST_WAITS) this.#end('tooManyWaits');
        else this.#awaitFlowControl(waits);
        break;
      }
      case 'overflow':
        this.#end('overflow');
        break;
      case 'reserved':
        this.#end('invalidStatus');
        break;
    }
    return true;
  }

  /** The controller takes frames again. */
  drained(): void {
    const state = this.#state;
    if (state.name !== 'draining') return;
    state.timer.cancel();
    this.#go(state.then);
  }

  /** The channel is gone: forgets the packet, without a call of `ended`. */
  reset(): void {
    if (this.#state.name !== 'idle') this.#state.timer.cancel();
    this.#state = { name: 'idle' };
  }

  #write(frame: Uint8Array, then: Step): void {
    if (this.#taken(frame, then)) this.#go(then);
  }

  /** False: `then` follows when the controller has taken the frame. */
  #taken(frame: Uint8Array, then: Step): boolean {
    if (this.host.write(frame)) return true;
    const timer = this.clock.setTimer(ISO_TP_TIMEOUTS.a, () => this.#end('notTaken'));
    this.#state = { name: 'draining', then, timer };
    return false;
  }

  #go(step: Step): void {
    switch (step) {
      case 'flowControl':
        this.#awaitFlowControl(0);
        break;
      case 'frames':
        this.#pauseOrSend();
        break;
      case 'end':
        this.#end('sent');
        break;
    }
  }

  #awaitFlowControl(waits: number): void {
    const timer = this.clock.setTimer(ISO_TP_TIMEOUTS.bs, () => this.#end('noFlowControl'));
    this.#state = { name: 'flowControl', waits, timer };
  }

  #pauseOrSend(): void {
    if (this.#stMin === 0) this.#sendFrames();
    else this.#pauseUntil(this.clock.monotonicMs() + this.#stMin);
  }

  #pauseUntil(untilMs: number): void {
    const waitMs = untilMs - this.clock.monotonicMs();
    const timer = this.clock.setTimer(Math.max(0, waitMs), () => {
      // Timers may fire a little early, and STmin is a minimum.
      if (this.clock.monotonicMs() < untilMs) this.#pauseUntil(untilMs);
      else this.#sendFrames();
    });
    this.#state = { name: 'pausing', timer };
  }

  /** Sends consecutive frames until a flow control, a pause or the controller stops them. */
  #sendFrames(): void {
    for (;;) {
      const data = this.#packet.subarray(this.#at, this.#at + this.writer.consecutiveCapacity);
      const frame = this.writer.consecutive(this.#sequence, data);
      this.#at += data.length;
      this.#sequence = (this.#sequence + 1) & 0x0f;
      this.#blockLeft -= 1;
      const step = this.#stepAfterFrame();
      if (!this.#taken(frame, step)) return;
      if (step !== 'frames' || this.#stMin > 0) {
        this.#go(step);
        return;
      }
    }
  }

  #stepAfterFrame(): Step {
    if (this.#at >= this.#packet.length) return 'end';
    return this.#blockLeft === 0 ? 'flowControl' : 'frames';
  }

  #end(outcome: SendOutcome): void {
    this.#state = { name: 'idle' };
    this.host.ended(outcome);
  }
}
