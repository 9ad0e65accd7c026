/**
 * Which payload codec a device speaks (docs/contract.md, "Codec"): the configured one.
 * With `protocol: auto` its payloads tell, or, while it sends none, its acks to probes
 * (probe.ts). Each payload is looked at, since a device may be given other firmware.
 */
import { PAYLOAD_CODECS, detectCodec } from '../../packet/codecs.js';
import type { DecodedPayload, PayloadCodec, PayloadCodecName } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import type { Counters } from '../node/counters.js';
import { CodecProbe, type CodecProbeHost } from './probe.js';

/** What the choice of a codec needs of its session, and tells it. */
export interface CodecChoiceHost {
  /** Sends a `timeSync`; returns its sequence. `undefined`: the channel takes nothing now. */
  sendTime(codec: PayloadCodec): number | undefined;
  /**
   * The device has sent these points. Called for each payload before anything else is
   * made of it, {@link codecKnown} included: what is sent then may depend on them. Hot.
   */
  decoded(points: readonly Point[]): void;
  /** The codec is known now, or is another one. */
  codecKnown(): void;
  /** The codec has changed often within a minute. Called again while it does. */
  mixed(): void;
  /** The device has acknowledged a `timeSync` that was sent to find out its codec. */
  probeAnswered(): void;
  /** It has acknowledged none of them. */
  probesUnanswered(): void;
}

/** The codec of one device, over all openings. */
export class CodecChoice implements CodecProbeHost {
  readonly #probe: CodecProbe;
  #codec: PayloadCodec | undefined;
  #advice: string | undefined;
  /** When the codec has changed lately, ms. */
  readonly #changesMs: number[] = [];

  constructor(
    private readonly host: CodecChoiceHost,
    private readonly configured: 'auto' | PayloadCodecName,
    /** Last seen on the link, before the gateway started. */
    last: PayloadCodecName | undefined,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly log: Log,
    ackTimeoutMs: number,
  ) {
    const name = configured === 'auto' ? last : configured;
    this.#codec = name === undefined ? undefined : PAYLOAD_CODECS[name];
    this.#probe = new CodecProbe(this, clock, ackTimeoutMs);
  }

  get codec(): PayloadCodec | undefined {
    return this.#codec;
  }

  /** What a person should change in the configuration or the wiring; `undefined`: nothing. */
  get advice(): string | undefined {
    return this.#advice;
  }

  opened(): void {
    if (this.#codec === undefined) this.#probe.start();
  }

  closed(): void {
    this.#probe.stop();
  }

  /** The device has acknowledged a packet. True: it was a probe. */
  ack(sequence: number): boolean {
    return this.#probe.ack(sequence);
  }

  /** Decodes a payload that is not empty, and learns from it. `undefined`: discarded. */
  decode(payload: Uint8Array): DecodedPayload | undefined {
    const decoded =
      this.configured === 'auto' ? this.#decodeAny(payload) : this.#decodeFixed(payload);
    if (decoded !== undefined) return decoded;
    this.counters.discard('payload', { bytes: payload.length, protocol: this.configured });
    return undefined;
  }

  #decodeFixed(payload: Uint8Array): DecodedPayload | undefined {
    const decoded = this.#codec?.decode(payload);
    if (decoded !== undefined) {
      this.#advice = undefined;
      if (!isList(decoded, payload)) return undefined;
      this.host.decoded(decoded.points);
      return decoded;
    }
    const other = detectCodec(payload);
    if (other !== this.#codec && other.decode(payload) !== undefined) {
      this.#advice = `the device sends ${other.name} points: set protocol: ${other.name}, or auto`;
    }
    return undefined;
  }

  #decodeAny(payload: Uint8Array): DecodedPayload | undefined {
    // Most payloads are in the codec of the last one, and no protobuf decodes as compact.
    const compact = this.#codec?.name === 'compact' ? this.#codec : undefined;
    const asBefore = compact?.decode(payload);
    const codec = asBefore === undefined ? detectCodec(payload) : compact;
    const decoded = asBefore ?? codec?.decode(payload);
    if (codec === undefined || decoded === undefined || !isList(decoded, payload)) return undefined;
    this.host.decoded(decoded.points);
    this.#use(codec);
    return decoded;
  }

  #use(codec: PayloadCodec): void {
    this.#advice = undefined;
    if (this.#codec === codec) return;
    this.#codec = codec;
    this.#probe.stop();
    this.#changesMs.push(this.clock.monotonicMs());
    if (this.#changesMs.length > MIXED_CHANGES) this.#changesMs.shift();
    if (this.isMixed) this.host.mixed();
    else this.log.info({ codec: codec.name }, 'the device speaks this codec');
    this.host.codecKnown();
  }

  /** The codec has changed often within the last minute: two devices are on the line. */
  get isMixed(): boolean {
    const [first] = this.#changesMs;
    if (first === undefined || this.#changesMs.length < MIXED_CHANGES) return false;
    return this.clock.monotonicMs() - first < MIXED_WITHIN_MS;
  }

  sendProbe(codec: PayloadCodec): number | undefined {
    return this.host.sendTime(codec);
  }

  onlyAnswered(codec: PayloadCodec): void {
    this.#use(codec);
    this.host.probeAnswered();
    this.#advice = `the device has sent no points yet, and acknowledges ${codec.name} only: set protocol: ${codec.name}`;
    this.log.warn({}, this.#advice);
  }

  allAnswered(): void {
    const advice = 'the device has sent no points yet, and acknowledges both codecs: set protocol';
    if (this.#advice !== advice) this.log.warn({}, advice);
    this.#advice = advice;
  }

  noneAnswered(): void {
    this.host.probesUnanswered();
  }
}

/** With so many changes of the codec within this time there is more than one device. */
const MIXED_CHANGES = 4;
const MIXED_WITHIN_MS = 60_000;

/** A payload of nothing but unknown fields is no list of points. */
const isList = ({ points, oddValues }: DecodedPayload, payload: Uint8Array): boolean =>
  points.length > 0 || oddValues > 0 || isEmptyList(payload);

/** The compact form of no points at all. */
export function isEmptyList(payload: Uint8Array): boolean {
  return payload.length === 4 && payload.every((byte) => byte === 0);
}
