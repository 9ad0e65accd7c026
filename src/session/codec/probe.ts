/**
 * Finds the codec of a device that sends no points (docs/contract.md, "Codec"):
 * after 5 s without a payload, and then every 30 s, a `timeSync` goes out in each
 * codec. No codec reads what is written in the other, so an ack to only one of
 * them tells the codec.
 */
import { PAYLOAD_CODECS } from '../../packet/codecs.js';
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock, Timer } from '../../point/clock.js';

const FIRST_MS = 5_000;
const EVERY_MS = 30_000;

/** What a probe needs, and whom it tells what it has found. */
export interface CodecProbeHost {
  /** Sends a `timeSync` in a codec; returns its sequence. `undefined`: it could not be sent. */
  sendProbe(codec: PayloadCodec): number | undefined;
  /** The probe in this codec was acknowledged, the one in the other was not. */
  onlyAnswered(codec: PayloadCodec): void;
  /** Both probes were acknowledged: the device acknowledges what it cannot read. */
  allAnswered(): void;
  /** No probe was acknowledged. */
  noneAnswered(): void;
}

/** Sends the probes while no codec is known, and compares their acks. */
export class CodecProbe {
  #timer: Timer | undefined;
  #probes: { readonly codec: PayloadCodec; readonly sequence: number; acked: boolean }[] = [];

  constructor(
    private readonly host: CodecProbeHost,
    private readonly clock: Clock,
    private readonly ackTimeoutMs: number,
  ) {}

  start(): void {
    this.stop();
    this.#timer = this.clock.setTimer(FIRST_MS, () => this.#begin());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#probes = [];
  }

  /** The device has acknowledged a packet. True: it was a probe. */
  ack(sequence: number): boolean {
    const probe = this.#probes.find((one) => one.sequence === sequence);
    if (probe === undefined) return false;
    probe.acked = true;
    return true;
  }

  #begin(): void {
    // Acks of the last round may have come late.
    if (this.#settle()) return;
    this.#probes = [];
    this.#next(Object.values(PAYLOAD_CODECS), this.clock.monotonicMs());
  }

  #next(left: readonly PayloadCodec[], startedMs: number): void {
    const [codec, ...others] = left;
    if (codec === undefined) {
      this.#evaluate(startedMs);
      return;
    }
    const sequence = this.host.sendProbe(codec);
    if (sequence !== undefined) this.#probes.push({ codec, sequence, acked: false });
    this.#timer = this.clock.setTimer(this.ackTimeoutMs, () => this.#next(others, startedMs));
  }

  #evaluate(startedMs: number): void {
    if (this.#settle()) return;
    if (this.#probes.every((probe) => !probe.acked)) this.host.noneAnswered();
    const dueMs = Math.max(0, startedMs + EVERY_MS - this.clock.monotonicMs());
    this.#timer = this.clock.setTimer(dueMs, () => this.#begin());
  }

  /** True if the acks of this round tell the codec. */
  #settle(): boolean {
    const acked = this.#probes.filter((probe) => probe.acked);
    if (acked.length > 1) this.host.allAnswered();
    // An ack tells nothing unless the other codec was tried as well.
    const isWhole = this.#probes.length === Object.keys(PAYLOAD_CODECS).length;
    if (!isWhole || acked.length !== 1 || acked[0] === undefined) return false;
    this.host.onlyAnswered(acked[0].codec);
    return true;
  }
}
