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
 * Frames that the controller does not take hold everything up until it does.
 */
import type { Clock, Timer } from '../../point/clock.js';
import { ISO_TP_MOST_WAITS, ISO_TP_TIMEOUTS } from './options.js';
import type { IsoTpPdu, PduWriter } from './pdu.js';

/**
 * How a transmission ends.
 * - `notTaken`: the controller took no frame for N_As: nobody else is on the bus
 * - `noFlowControl`: none came within N_Bs
 * - `overflow`: the device has no room for the packet
 * - `tooManyWaits`: it has asked to wait once too often
 * - `invalidStatus`: a flow control that means nothing
 */
export type SendOutcome =
  'sent' | 'notTaken' | 'noFlowControl' | 'overflow' | 'tooManyWaits' | 'invalidStatus';

export interface IsoTpSenderHost {
  /** A CAN frame's data. False: taken, but nothing more before {@link IsoTpSender.drained}. */
  write(frame: Uint8Array): boolean;
  ended(outcome: SendOutcome): void;
}

type Step = 'flowControl' | 'frames' | 'end';

type State =
  | { readonly name: 'idle' }
  /** A frame has gone out, and the controller has not taken it yet. */
  | { readonly name: 'draining'; readonly then: Step; readonly timer: Timer }
  | { readonly name: 'flowControl'; readonly waits: number; readonly timer: Timer }
  /** The device wants time between frames. */
  | { readonly name: 'pausing'; readonly timer: Timer };

export class IsoTpSender {
  #state: State = { name: 'idle' };
  #packet: Uint8Array = new Uint8Array();
  /** Bytes of the packet that have gone out, and those of its first frame. */
  #at = 0;
  #inFirst = 0;
  /** 0 … 15, of the next frame. */
  #sequence = 0;
  #blockLeft = 0;
  /** The device wants flow controls in between, where those of two first frames cannot be told apart. */
  #hasBlocks = false;
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
   * The packet was to be sent once more: it begins anew, if only its first frame
   * has gone out. That, or its answer, may be lost, and N_Bs is longer than most
   * devices take to answer.
   */
  again(): void {
    const state = this.#state;
    const isFirstOut = state.name === 'flowControl' && this.#at === this.#inFirst;
    if (!isFirstOut || state.waits > 0 || this.#hasBlocks) return;
    state.timer.cancel();
    this.send(this.#packet);
  }

  /** False: nobody waits for it, and it is ignored (9.8.3). */
  flowControl({ status, blockSize, stMin }: IsoTpPdu & { readonly kind: 'flowControl' }): boolean {
    const state = this.#state;
    // An answer to a frame proves that it has gone out.
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

  /** The channel is gone: forgets the packet, and tells nobody. */
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
      // Timers may fire a little early, and the device counts on the time.
      if (this.clock.monotonicMs() < untilMs) this.#pauseUntil(untilMs);
      else this.#sendFrames();
    });
    this.#state = { name: 'pausing', timer };
  }

  /** As many as may follow each other at once. */
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
