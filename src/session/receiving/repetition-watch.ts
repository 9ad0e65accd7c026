/**
 * Finds two faults of a device whose packets arrive: its sequence stands still, or it
 * repeats what was acknowledged, since it does not hear the gateway.
 */

/** What a watch has found, told once when it begins and once when it is over. */
export interface RepetitionHost {
  /** Packets that differ have all the same sequence. */
  sequenceStands(stands: boolean, sequence: number): void;
  /** Packet after packet is repeated though it was acknowledged. */
  unheard(unheard: boolean): void;
}

/** Different packets in a row with one sequence; retransmissions of a rebuilt packet may have it, too. */
const STANDS_FROM = 6;
/** Repetitions of a packet after its ack: one may have crossed the ack. */
const REPEATED_FROM = 2;
/** So many packets in a row that were all repeated: a line loses no ack so regularly. */
const UNHEARD_FROM = 4;
/** Repetitions of a single packet that no device makes without a reason. */
const LONG_REPEATED = 10;

/** Watches the packets of one device. Hot: called for each packet. */
export class RepetitionWatch {
  #sequence: number | undefined;
  #sameSequence = 0;
  #repetitions = 0;
  #repeatedPackets = 0;
  #isUnheard = false;

  constructor(private readonly host: RepetitionHost) {}

  /** A packet that differs from the one before it. */
  packet(sequence: number): void {
    if (sequence === this.#sequence) {
      this.#sameSequence += 1;
      if (this.#sameSequence === STANDS_FROM) this.host.sequenceStands(true, sequence);
    } else {
      if (this.#sameSequence >= STANDS_FROM) this.host.sequenceStands(false, sequence);
      this.#sequence = sequence;
      this.#sameSequence = 1;
    }
    if (this.#repetitions >= REPEATED_FROM) this.#repeatedPackets += 1;
    else this.#heard();
    this.#repetitions = 0;
    if (this.#repeatedPackets === UNHEARD_FROM) this.#unheard();
  }

  /** The packet just before has come again, after its ack. */
  repeated(): void {
    this.#repetitions += 1;
    if (this.#repetitions === LONG_REPEATED) this.#unheard();
  }

  /** The device has restarted, or the channel was opened anew. */
  reset(): void {
    this.#sequence = undefined;
    this.#sameSequence = 0;
    this.#repetitions = 0;
    this.#repeatedPackets = 0;
    this.#isUnheard = false;
  }

  #unheard(): void {
    if (this.#isUnheard) return;
    this.#isUnheard = true;
    this.host.unheard(true);
  }

  #heard(): void {
    this.#repeatedPackets = 0;
    if (!this.#isUnheard) return;
    this.#isUnheard = false;
    this.host.unheard(false);
  }
}
