/** Notices that a device has restarted (docs/contract.md, "Restarted"). */
import type { Clock } from '../../point/clock.js';
import { SequenceWatch, type PacketKind, type SequenceFall } from './sequence-watch.js';

/** What was last known of a device; kept over openings and over restarts of the gateway. */
export interface LastKnown {
  /** Of its last packet with points, or without any. */
  sequence?: number;
  /** Of its last high-rate packet. */
  sampleSequence?: number;
  /** Value of its last `uptime` point. */
  uptime?: number;
  /** Newest time of a point that counts from its start, ns as decimal text. */
  startClock?: string;
  /** As {@link startClock}, of a high-rate sample. */
  sampleClock?: string;
  /** Of its last log line of a shell, ms since its start. */
  logMs?: number;
}

/** What told of a restart: what fell, an empty packet, or the banner of a shell. */
export type RestartSign = 'hello' | 'uptime' | 'startClock' | 'sequence' | 'logTime' | 'banner';

/** Why a device is thought to have restarted. */
export interface RestartEvidence {
  /** For people. */
  readonly why: string;
  /** For how long it runs, by its own account, ms. */
  readonly upMs?: number;
}

const HELLO: RestartEvidence = { why: 'it said hello (an empty packet), as after its start' };
const NS_IN_A_MS = 1e6;
const NS_PER_SECOND = 1e9;

const HELLO_APART_MS = 1_000;
const HEARTBEAT_WINDOW_MS = 120_000;
const HEARTBEAT_FROM = 3;

// Samples do not always leave a device in the order of their times. With a resync for
// each such packet there would be no end of them.
const START_CLOCK_SLACK_NS = 100_000_000n;
const LOG_TIME_SLACK_MS = 100;

/** Compares what a device sends with what it sent before. */
export class RestartDetector {
  readonly #last: LastKnown;
  readonly #sequences: SequenceWatch;
  // A point that was lost is sent again when newer samples have come: each has its own.
  #clocks: Partial<Record<PacketKind, bigint>> = {};
  #hellosAtMs: number[] = [];
  #logFallsAtMs: number[] = [];
  /** Of the last time that each told of a restart. */
  readonly #evidence = new Map<RestartSign, RestartEvidence>();

  constructor(
    private readonly clock: Clock,
    last: LastKnown,
  ) {
    this.#last = { ...last };
    const { sequence, sampleSequence, startClock, sampleClock } = last;
    this.#sequences = new SequenceWatch(clock, { points: sequence, samples: sampleSequence });
    if (startClock !== undefined) this.#clocks.points = BigInt(startClock);
    if (sampleClock !== undefined) this.#clocks.samples = BigInt(sampleClock);
  }

  get lastKnown(): LastKnown {
    const { uptime, logMs } = this.#last;
    const { points, samples } = this.#sequences.last;
    const { points: startClock, samples: sampleClock } = this.#clocks;
    return {
      ...(points === undefined ? {} : { sequence: points }),
      ...(samples === undefined ? {} : { sampleSequence: samples }),
      ...(uptime === undefined ? {} : { uptime }),
      ...(startClock === undefined ? {} : { startClock: startClock.toString() }),
      ...(sampleClock === undefined ? {} : { sampleClock: sampleClock.toString() }),
      ...(logMs === undefined ? {} : { logMs }),
    };
  }

  /** Of the device's last packet with points or samples; `undefined`: none has come yet. */
  get lastSequence(): number | undefined {
    return this.#sequences.latest;
  }

  /** Why the last such sign was one. */
  evidence(sign: RestartSign): RestartEvidence {
    return this.#evidence.get(sign) ?? HELLO;
  }

  /** A packet without points has come. */
  hello(sequence: number): RestartSign | undefined {
    const bySequence = this.sequence(sequence);
    const now = this.clock.monotonicMs();
    const before = this.#hellosAtMs.at(-1);
    if (before !== undefined && now - before < HELLO_APART_MS) {
      this.#hellosAtMs[this.#hellosAtMs.length - 1] = now;
      return bySequence;
    }
    this.#hellosAtMs = this.#hellosAtMs.filter((at) => now - at <= HEARTBEAT_WINDOW_MS);
    this.#hellosAtMs.push(now);
    if (bySequence !== undefined) return bySequence;
    if (this.#hellosAtMs.length >= HEARTBEAT_FROM) return undefined;
    this.#sequences.restarted('points');
    return 'hello';
  }

  /** The sequence of a packet with points, or of an empty one. */
  sequence(sequence: number): RestartSign | undefined {
    return this.#fallen(this.#sequences.points(sequence));
  }

  /** The sequence of a high-rate packet. `isLoss`: where it falls, the packets between were lost. */
  sampleSequence(sequence: number, isLoss: boolean): RestartSign | undefined {
    return this.#fallen(this.#sequences.samples(sequence, isLoss));
  }

  /** The value of an `uptime` point. */
  uptime(uptime: number): RestartSign | undefined {
    // It can be neither compared nor kept.
    if (!Number.isFinite(uptime)) return undefined;
    const before = this.#last.uptime;
    this.#last.uptime = uptime;
    if (before === undefined || uptime >= before) return undefined;
    this.#sequences.restarted('points');
    this.#evidence.set('uptime', {
      why: `its uptime has fallen from ${String(before)} to ${String(uptime)}`,
      upMs: uptime * 1_000,
    });
    return 'uptime';
  }

  /** The time of a log line of a shell, ms since the device's start. */
  logTime(ms: number): RestartSign | undefined {
    const before = this.#last.logMs;
    if (before !== undefined && ms < before && ms >= before - LOG_TIME_SLACK_MS) return undefined;
    this.#last.logMs = ms;
    if (before === undefined || ms >= before) return undefined;
    const now = this.clock.monotonicMs();
    this.#logFallsAtMs = this.#logFallsAtMs.filter((at) => now - at <= HEARTBEAT_WINDOW_MS);
    this.#logFallsAtMs.push(now);
    // Its lines are out of order.
    if (this.#logFallsAtMs.length >= HEARTBEAT_FROM) return undefined;
    const [from, to] = [before / 1_000, ms / 1_000].map(String);
    this.#evidence.set('logTime', {
      why: `the time of its log has fallen from ${String(from)} s to ${String(to)} s`,
      upMs: ms,
    });
    return 'logTime';
  }

  /** The device says that it starts: what counts from its start begins anew, and its fall is no other sign. */
  booted(): RestartSign {
    delete this.#last.uptime;
    delete this.#last.logMs;
    this.#clocks = {};
    this.#evidence.set('banner', { why: 'it has printed the banner of its start', upMs: 0 });
    return 'banner';
  }

  /** `newestNs`: the latest time in a packet of this kind that counts from the device's start. */
  startClock(newestNs: bigint, kind: PacketKind): RestartSign | undefined {
    const before = this.#clocks[kind];
    if (before === undefined || newestNs > before) this.#clocks[kind] = newestNs;
    if (before === undefined || newestNs >= before - START_CLOCK_SLACK_NS) return undefined;
    this.#clocks = { [kind]: newestNs };
    this.#sequences.restarted(kind);
    const [from, to] = [before, newestNs].map((ns) => String(Number(ns) / NS_PER_SECOND));
    this.#evidence.set('startClock', {
      why: `its clock, which counts from its start, has fallen from ${String(from)} s to ${String(to)} s`,
      upMs: Number(newestNs) / NS_IN_A_MS,
    });
    return 'startClock';
  }

  #fallen(fall: SequenceFall | undefined): RestartSign | undefined {
    if (fall === undefined) return undefined;
    this.#evidence.set('sequence', {
      why: `the sequence of its packets has fallen from ${String(fall.from)} to ${String(fall.to)}`,
    });
    return 'sequence';
  }
}
