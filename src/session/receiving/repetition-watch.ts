/**
 * Finds two faults of a device whose packets arrive: its sequence stands still, or it
 * repeats what was acknowledged, since it does not hear the gateway.
 */

/** What a watch has found, told once when it begins and once when it is over. */
export interface RepetitionHost {
  /**
   * All packets have the same sequence. `evidence`: they differ otherwise, or they are
   * `equal` in all bytes, as also those of a device that repeats one packet without end.
   */
  sequenceStands(stands: boolean, sequence: number, evidence: 'differ' | 'equal'): void;
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
/**
 * The second half of them has taken so much longer than the first: retransmissions,
 * whose waits grow. Reports come at an even pace.
 */
const SLOWED = 1.5;

/** Watches the packets of one device. Hot: called for each packet. */
export class RepetitionWatch {
  #sequence: number | undefined;
  #sameSequence = 0;
  #stands = false;
  #repetitions = 0;
  /** Monotonic ms of the first repetition, and of the middle one. */
  #firstMs = 0;
  #middleMs = 0;
  #repeatedPackets = 0;
  #isUnheard = false;

  constructor(private readonly host: RepetitionHost) {}

  /** A packet that differs from the one before it. */
  packet(sequence: number): void {
    const moves = sequence !== this.#sequence;
    if (moves) {
      if (this.#stands) this.host.sequenceStands(false, sequence, 'differ');
      this.#stands = false;
      this.#sequence = sequence;
      this.#sameSequence = 1;
    } else {
      this.#sameSequence += 1;
      if (this.#sameSequence === STANDS_FROM) this.#sequenceStands(sequence, 'differ');
    }
    // Equal packets of a device whose sequence stands still are reports of the same value.
    if (moves && this.#repetitions >= REPEATED_FROM) this.#repeatedPackets += 1;
    else this.#heard();
    this.#repetitions = 0;
    if (this.#repeatedPackets === UNHEARD_FROM) this.#unheard();
  }

  /**
   * The packet just before has come again at `ms` (monotonic), after its ack. `moves`:
   * the device's sequence was seen to move, so that this is a retransmission.
   */
  repeated(sequence: number, ms: number, moves: boolean): void {
    this.#repetitions += 1;
    if (this.#repetitions === 1) this.#firstMs = ms;
    if (this.#repetitions === LONG_REPEATED / 2) this.#middleMs = ms;
    if (this.#repetitions !== LONG_REPEATED) return;
    if (moves || this.#hasSlowed(ms)) this.#unheard();
    else this.#sequenceStands(sequence, 'equal');
  }

  /** The device has restarted, or the channel was opened anew. */
  reset(): void {
    this.#sequence = undefined;
    this.#sameSequence = 0;
    this.#stands = false;
    this.#repetitions = 0;
    this.#repeatedPackets = 0;
    this.#isUnheard = false;
  }

  #hasSlowed(ms: number): boolean {
    // The first half has one wait less: its first repetition began it.
    const first = (this.#middleMs - this.#firstMs) / (LONG_REPEATED / 2 - 1);
    const second = (ms - this.#middleMs) / (LONG_REPEATED / 2);
    return second >= SLOWED * first;
  }

  #sequenceStands(sequence: number, evidence: 'differ' | 'equal'): void {
    this.#stands = true;
    this.host.sequenceStands(true, sequence, evidence);
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
