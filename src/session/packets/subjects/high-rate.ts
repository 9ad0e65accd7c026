import {
  HIGH_RATE_START_AT,
  highRateEndNs,
  readHighRateNames,
  readHighRateTiming,
  type HighRateTiming,
} from '../../../packet/high-rate.js';
import type { Packet } from '../../../packet/packet.js';
import { excerpt } from '../../../point/excerpt.js';
import { canonicalKey } from '../../../point/point.js';
import { isReservedType } from '../../../point/reserved.js';
import { keyProblem, tokenProblem } from '../../../point/token.js';
import { countsFromStart, type Arrival } from '../../receiving/device-time.js';
import {
  HighRateChannel,
  explainsJump,
  missingPackets,
  type Continuity,
} from '../../receiving/high-rate-channel.js';
import { TIME_NOTICES } from '../../receiving/point-filter.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/** Channels of a device; one with more makes up their names. */
const MOST_CHANNELS = 256;
/** Characters of a name in the log. */
const MOST_LOGGED = 60;

/**
 * Samples of high-rate channels (docs/siot.md, 2.5): checked, dated, and handed on as they
 * are, without an acknowledgement. The samples are not looked at. Hot: called some
 * thousand times a second.
 */
export class HighRateHandler implements SubjectHandler {
  /** By the 32 bytes of their names. */
  readonly #channels = new Map<string, HighRateChannel>();
  #skipsZero = true;
  #last: Arrival | undefined;

  constructor(private readonly services: PacketServices) {}

  packet({ sequence, payload }: Packet, arrival: Arrival): number {
    const { services } = this;
    const { counters } = services.state;
    counters.hrRx += 1;
    services.heard();
    services.diagnoser.talks(arrival.ms);
    if (sequence === 0) this.#skipsZero = false;
    const timing = readHighRateTiming(payload);
    const channel = this.#channelOf(payload, timing);
    if (channel === undefined || timing === undefined) {
      services.restarted(services.restarts.sampleSequence(sequence, false));
      return 0;
    }
    const continuity = channel.take(timing, sequence, services.sequenceBefore, this.#skipsZero);
    this.#lookForRestart(sequence, timing, continuity, arrival);
    this.#last = arrival;
    if (continuity.kind === 'gap') {
      const { type, key } = channel;
      counters.gap({ type, key: canonicalKey(key), samples: continuity.missing });
    }
    this.#handOn(channel, payload, timing, continuity, arrival);
    return 1;
  }

  opened(): void {
    this.#channels.clear();
    this.#last = undefined;
  }

  restarted(): void {
    for (const channel of this.#channels.values()) channel.forget();
  }

  /** `undefined`: it is not taken, and is counted. */
  #channelOf(payload: Uint8Array, timing: HighRateTiming | undefined): HighRateChannel | undefined {
    const { counters } = this.services.state;
    const bytes = payload.length;
    if (timing === undefined) {
      counters.discard('highRate', { why: 'it has no sample', bytes });
      return undefined;
    }
    if (timing.periodNs === 0) {
      counters.discard('highRate', { why: 'the sample period is 0', bytes });
      return undefined;
    }
    const id = namesOf(payload);
    const known = this.#channels.get(id);
    if (known !== undefined) return known;
    const names = readHighRateNames(payload);
    if (names === undefined) {
      counters.discard('highRate', { why: 'its type or key is not UTF-8', bytes });
      return undefined;
    }
    const { type, key } = names;
    if (isReservedType(type)) {
      counters.reserved(type);
      return undefined;
    }
    const problem = tokenProblem(type) ?? keyProblem(key);
    if (problem !== undefined) {
      const shown = { type: excerpt(type, MOST_LOGGED), key: excerpt(key, MOST_LOGGED) };
      const why = type === '' ? 'its type is empty' : 'its type or key cannot be a subject token';
      counters.discard('highRate', { why, ...shown });
      return undefined;
    }
    if (this.#channels.size >= MOST_CHANNELS) {
      counters.discard('tooManyChannels', { type, key, most: MOST_CHANNELS });
      return undefined;
    }
    const channel = new HighRateChannel(type, key);
    this.#channels.set(id, channel);
    return channel;
  }

  /**
   * Where packets are lost a sequence falls as well: it tells of a restart only where
   * neither the times of the samples nor the time that has passed explain it.
   */
  #lookForRestart(
    sequence: number,
    timing: HighRateTiming,
    { kind }: Continuity,
    arrival: Arrival,
  ): void {
    const { restarts } = this.services;
    const { startNs } = timing;
    const { lastSequence } = restarts;
    let isLoss = false;
    if (sequence <= 1 && lastSequence !== undefined) {
      const lost = missingPackets(lastSequence, sequence, this.#skipsZero);
      isLoss =
        startNs === 0n
          ? this.#last !== undefined && explainsJump(lost, timing, this.#last, arrival)
          : kind !== 'new';
    }
    const bySequence = restarts.sampleSequence(sequence, isLoss);
    const byClock = countsFromStart(startNs)
      ? restarts.startClock(newestOf(timing), 'samples')
      : undefined;
    this.services.restarted(byClock ?? bySequence);
  }

  #handOn(
    channel: HighRateChannel,
    payload: Uint8Array,
    timing: HighRateTiming,
    continuity: Continuity,
    arrival: Arrival,
  ): void {
    const { deviceClock, host, state } = this.services;
    if (countsFromStart(timing.startNs)) deviceClock.learn(newestOf(timing), arrival);
    const { ns, kind } = deviceClock.map(timing.startNs, arrival);
    // A copy: the frame's bytes are used again.
    const own = Buffer.from(payload);
    if (kind !== 'real') {
      state.counters.notice(TIME_NOTICES[kind]);
      own.writeBigUInt64LE(channel.give(ns, timing, continuity), HIGH_RATE_START_AT);
    }
    if (host.stream(own) === 'dropped') state.counters.discard('nodeDeleted', {});
  }
}

const namesOf = (payload: Uint8Array): string =>
  Buffer.from(payload.buffer, payload.byteOffset, HIGH_RATE_START_AT).toString('latin1');

/** The time of its last sample, by the device's clock. */
const newestOf = (timing: HighRateTiming): bigint =>
  highRateEndNs(timing) - BigInt(timing.periodNs);
