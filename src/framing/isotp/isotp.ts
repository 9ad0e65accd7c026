/** A connection of ISO-TP with one device: both directions, and the queue of packets to send. */
import type { Clock } from '../../point/clock.js';
import type { FrameDiscard } from '../framing.js';
import type { IsoTpOptions } from './options.js';
import { PduWriter, parsePdu } from './pdu.js';
import { IsoTpReceiver } from './receiver.js';
import { IsoTpSender, type SendOutcome } from './sender.js';

/** What a connection uses. */
interface IsoTpHost {
  /** Sends the data of a CAN frame. False: taken, but no more until {@link IsoTpConnection.drained}. */
  write(frame: Uint8Array): boolean;
  /** A packet was received. Its bytes are valid during the call only. */
  packet(bytes: Uint8Array): void;
  /** `length`: bytes thrown away. */
  discard(cause: FrameDiscard, length: number): void;
  /** After {@link IsoTpConnection.send} has returned false: there is room again. */
  ready(): void;
}

/** Most packets in the queue; acknowledgements wait there behind a long packet. A further one is lost. */
const MOST_WAITING = 8;
/** With more packets in the queue, send() returns false. */
const ENOUGH_WAITING = 2;

const CAUSES: Readonly<Record<Exclude<SendOutcome, 'sent'>, FrameDiscard>> = {
  notTaken: 'isoTpTimeout',
  noFlowControl: 'isoTpTimeout',
  overflow: 'isoTpOverflow',
  tooManyWaits: 'isoTpTimeout',
  invalidStatus: 'isoTpFrame',
};

/** Sends and receives packets, with one device. */
export class IsoTpConnection {
  readonly #sender: IsoTpSender;
  readonly #receiver: IsoTpReceiver;
  /** To send; the transmission of the first has begun. */
  readonly #packets: Uint8Array[] = [];
  readonly #rxAddress: number | undefined;
  #full = false;
  /**
   * The controller has not sent a frame for N_As, which has ended its packet. It may
   * still send it; no other frame is written before.
   */
  #blocked = false;

  /** `maxLength`: longest packet that may be received, bytes. */
  constructor(
    private readonly host: IsoTpHost,
    options: IsoTpOptions,
    clock: Clock,
    maxLength: number,
  ) {
    const { address, padding, frameLength } = options;
    const writer = new PduWriter(address?.tx, padding, frameLength);
    this.#rxAddress = address?.rx;
    const write = (frame: Uint8Array): boolean => host.write(frame);
    this.#sender = new IsoTpSender({ write, ended: (how) => this.#ended(how) }, writer, clock);
    this.#receiver = new IsoTpReceiver(
      {
        write,
        packet: (bytes) => host.packet(bytes),
        discard: (cause, length) => host.discard(cause, length),
      },
      writer,
      clock,
      options,
      maxLength,
    );
  }

  /** Bytes of all packets to send. */
  get queued(): number {
    return this.#packets.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Queues a packet, in order; the caller must not change it. False: wait for
   * `ready` before sending more. A packet that is queued already is not queued
   * again. If it is on its way, see {@link IsoTpSender.again}.
   */
  send(packet: Uint8Array): boolean {
    const at = this.#packets.findIndex((queued) => Buffer.compare(queued, packet) === 0);
    if (at === 0) this.#sender.again();
    else if (at < 0 && this.#packets.length < MOST_WAITING) {
      this.#packets.push(packet);
      this.#sendNext();
    }
    this.#full = this.#blocked || this.#packets.length > ENOUGH_WAITING;
    return !this.#full;
  }

  /** Takes the data of a frame from the device. Never throws. */
  receive(frame: Uint8Array): void {
    const pdu = parsePdu(frame, this.#rxAddress);
    if (pdu === 'foreign') return;
    if (pdu === 'malformed') this.host.discard('isoTpFrame', frame.length);
    else if (pdu.kind !== 'flowControl') this.#receiver.push(pdu);
    else if (!this.#sender.flowControl(pdu)) this.host.discard('isoTpUnexpected', frame.length);
  }

  /** The controller takes frames again. */
  drained(): void {
    this.#receiver.drained();
    this.#sender.drained();
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#sendNext();
    this.#sayReady();
  }

  /** The channel is gone: forgets all packets, and calls the host no more. */
  reset(): void {
    this.#packets.length = 0;
    this.#full = false;
    this.#blocked = false;
    this.#sender.reset();
    this.#receiver.reset();
  }

  #ended(how: SendOutcome): void {
    const packet = this.#packets.shift();
    this.#blocked = how === 'notTaken';
    if (how !== 'sent') this.host.discard(CAUSES[how], packet?.length ?? 0);
    this.#sendNext();
    this.#sayReady();
  }

  #sendNext(): void {
    const [next] = this.#packets;
    if (next !== undefined && !this.#blocked && !this.#sender.busy) this.#sender.send(next);
  }

  #sayReady(): void {
    if (!this.#full || this.#blocked || this.#packets.length > ENOUGH_WAITING) return;
    this.#full = false;
    this.host.ready();
  }
}
