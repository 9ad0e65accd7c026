/**
 * One connection of ISO-TP: both directions between us and one device, with the
 * packets that wait for their turn.
 */
import type { Clock } from '../../point/clock.js';
import type { FrameDiscard } from '../framing.js';
import type { IsoTpOptions } from './options.js';
import { PduWriter, parsePdu } from './pdu.js';
import { IsoTpReceiver } from './receiver.js';
import { IsoTpSender, type SendOutcome } from './sender.js';

export interface IsoTpHost {
  /** A CAN frame's data. False: taken, but nothing more before {@link IsoTpConnection.drained}. */
  write(frame: Uint8Array): boolean;
  /** A whole packet. The bytes are valid during the call only. */
  packet(bytes: Uint8Array): void;
  discard(cause: FrameDiscard, length: number): void;
  /** After {@link IsoTpConnection.send} has returned false: it may be called again. */
  ready(): void;
}

/** Acknowledgements wait behind a long packet; a packet more is refused. */
const MOST_WAITING = 8;
/** From here on the session is asked to hold back. */
const ENOUGH_WAITING = 2;

const CAUSES: Readonly<Record<Exclude<SendOutcome, 'sent'>, FrameDiscard>> = {
  notTaken: 'isoTpTimeout',
  noFlowControl: 'isoTpTimeout',
  overflow: 'isoTpOverflow',
  tooManyWaits: 'isoTpTimeout',
  invalidStatus: 'isoTpFrame',
};

export class IsoTpConnection {
  readonly #sender: IsoTpSender;
  readonly #receiver: IsoTpReceiver;
  /** The first is on its way. */
  readonly #packets: Uint8Array[] = [];
  readonly #rxAddress: number | undefined;
  #full = false;
  /** A frame has waited for so long that its packet has ended; it may still go out, and nothing before it does. */
  #blocked = false;

  /** `maxLength`: longest packet that is received, bytes. */
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

  /** Packets on their way or waiting, bytes. */
  get queued(): number {
    return this.#packets.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Queues a packet, in order; the caller leaves it unchanged. False: enough are
   * queued. The same packet again is not queued twice; while nothing has answered
   * its first frame, that is sent again, but to a device that wants blocks.
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

  /** The data of a frame from the device's identifier. Never throws, whatever they are. */
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

  /** The channel is gone. Nothing is called any more. */
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
