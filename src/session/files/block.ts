import type { FileBlock } from '../../packet/file-block.js';
import type { Delivery } from '../sending/client.js';
import type { Outgoing, OutgoingPacket } from '../sending/outgoing.js';

/** Names one try to send a file, from its beginning: after a restart of the device there is another. */
export type Attempt = symbol;

/**
 * Told what becomes of blocks. A late ack may be that of a block of another file, or of
 * an earlier attempt: what a block is part of is asked of the block.
 */
export interface BlockHost {
  blockSent(block: Block): void;
  blockAcknowledged(block: Block): void;
  blockAckTakenBack(block: Block): void;
}

/** Sequences come round after 255 packets: before that, a packet that waits gets a new one. */
const OLDEST_SEQUENCE = 100;
const SEQUENCES = 255;

/** One packet of a file. */
export class Block implements Delivery {
  readonly once = false;
  readonly unhurried = false;
  readonly persistent = true;
  #packet: OutgoingPacket | undefined;
  #isInFlight = false;
  #tries = 0;

  constructor(
    private readonly host: BlockHost,
    private readonly outgoing: Outgoing,
    readonly attempt: Attempt,
    /** From 0; the end of the file is counted after its last block. */
    readonly number: number,
    private readonly content: FileBlock,
  ) {}

  get isInFlight(): boolean {
    return this.#isInFlight;
  }

  /** Transmissions so far. */
  get tries(): number {
    return this.#tries;
  }

  /** The same bytes for each try, so that a late ack counts. */
  encode(): OutgoingPacket {
    const age = (sequence: number): number =>
      (this.outgoing.sequence - sequence + SEQUENCES) % SEQUENCES;
    if (this.#packet === undefined || age(this.#packet.sequence) > OLDEST_SEQUENCE) {
      this.#packet = this.outgoing.file(this.content);
    }
    return this.#packet;
  }

  transmitted(): void {
    this.#isInFlight = true;
    this.#tries += 1;
    this.host.blockSent(this);
  }

  acknowledged(): void {
    this.#isInFlight = false;
    this.host.blockAcknowledged(this);
  }

  ackTakenBack(): void {
    this.host.blockAckTakenBack(this);
  }

  unanswered(): void {
    this.#isInFlight = false;
  }

  dropped(): void {
    this.#isInFlight = false;
  }

  /** Not for what is persistent. */
  sentOnce(): void {}
}
