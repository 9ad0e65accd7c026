/**
 * Listens to a line until its device talks, and says why it does not
 * (docs/contract.md, "Why a device does not talk").
 *
 * ```
 *            opened                          a good packet
 *  closed ──────────► listening ──────────────────────────────────► talking
 *    ▲                  │  ▲    4 s after the first byte, then         │
 *    │                  │  │    every 5 s: analyse what was heard      │
 *    └──────────────────┘  └───────────────────────────────────────────┘
 *        closed           bytes and no good packet, for 30 s and for several of its intervals
 * ```
 *
 * A device that answers when it is asked is not listened to: it talks.
 * While the device talks, a chunk costs some comparisons and additions, and so does a packet.
 */
import type { FrameDiscard } from '../../framing/framing.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';
import { analyse, type Expected } from './analyse.js';
import { ByteSample } from './byte-sample.js';
import { diagnosis, diagnosisText, type Diagnosis, type DiagnosisCause } from './diagnosis.js';
import { isoTpFinding } from './iso-tp.js';
import { ReportInterval } from './report-interval.js';

/** From the first byte to the first analysis: several packets of most devices, and people need not wait 5 s. */
const FIRST_LOOK_MS = 4_000;
const NEXT_LOOK_MS = 5_000;
/** A device that has talked is listened to again after so long without a good packet … */
const QUIET_MS = 30_000;
/** … and after so many of its own intervals … */
const QUIET_INTERVALS = 4;
/** … or, where these are not known yet and it may still be there, after so long. */
const QUIET_UNKNOWN_MS = 900_000;
/** A port that is opened again and again does not fill the log. */
const TOLD_EVERY_MS = 60_000;

/** What the analysis needs to know of the line, as it is now. */
export interface DiagnosedLine {
  expected(): Expected;
  life(): DeviceLife;
}

/**
 * Whether a device that has talked is still there.
 * - `answers`: it acknowledges what it is sent, and is asked when it says nothing
 * - `gone`: it does not count as connected
 */
export type DeviceLife = 'answers' | 'gone' | 'unknown';

/** Why the device of one line does not talk, over all openings. */
export class Diagnoser {
  readonly #told: LogRateLimiter;
  /** What is heard while it listens; `undefined`: the device talks, or the line is closed. */
  #sample: ByteSample | undefined;
  #timer: Timer | undefined;
  #openedMs: number | undefined;
  /** When the sample began, monotonic ms. */
  #firstMs = 0;
  /** Something has come since the opening. */
  #hasHeard = false;
  /** Frames below the packets since the sample began. */
  #frames = 0;
  /** Why they were thrown away. */
  readonly #discards = new Map<FrameDiscard, number>();
  #goodPackets = 0;
  /** At the start of the timer. */
  #goodBefore = 0;
  /** Since when there was no good packet though bytes come, monotonic ms; `undefined`: not known to be so. */
  #quietFromMs: number | undefined;
  readonly #interval = new ReportInterval();
  #hasTalked = false;
  #hasPoints = false;
  #hasAcknowledged = false;
  /** Its points cannot be read, as far as is known. */
  #isUnreadable = false;
  #hasLooked = false;
  /** Found in what was heard while no packet came. */
  #diagnosis: Diagnosis | undefined;
  #isConclusive = false;
  /** What is wrong though the device talks. */
  readonly #noted = new Map<DiagnosisCause, Diagnosis>();
  #silence: Diagnosis | undefined;
  readonly #toldCauses = new Set<DiagnosisCause>();

  constructor(
    private readonly line: DiagnosedLine,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#told = new LogRateLimiter(clock, { everyMs: TOLD_EVERY_MS });
  }

  get diagnosis(): Diagnosis | undefined {
    const [noted] = this.#noted.values();
    const known = this.#diagnosis ?? noted;
    if (known !== undefined || this.#openedMs === undefined) return known;
    const isSilent = !this.#hasHeard && this.clock.monotonicMs() - this.#openedMs >= FIRST_LOOK_MS;
    if (!isSilent) return undefined;
    this.#silence ??= diagnosis('silence', SILENCE, this.line.expected().listener);
    return this.#silence;
  }

  /** The device has acknowledged something since the opening: it hears the gateway. */
  get hasAcknowledged(): boolean {
    return this.#hasAcknowledged;
  }

  opened(): void {
    this.closed();
    this.#openedMs = this.clock.monotonicMs();
    this.#begin();
  }

  closed(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#openedMs = undefined;
    this.#sample = undefined;
    this.#hasHeard = false;
    this.#quietFromMs = undefined;
    this.#interval.interrupted();
    this.#hasTalked = false;
    this.#hasPoints = false;
    this.#hasAcknowledged = false;
    this.#isUnreadable = false;
    this.#hasLooked = false;
    this.#forget();
    this.#noted.clear();
    this.#toldCauses.clear();
  }

  /** Something has come. True: {@link listen} wants it. Hot: called for each chunk. */
  came(): boolean {
    if (this.#timer === undefined) this.#wait();
    this.#hasHeard = true;
    return this.#sample !== undefined;
  }

  /** What has come, in COBS frames if the line has another framing. */
  listen(bytes: Uint8Array): void {
    this.#sample?.add(bytes);
  }

  /** A frame has come that may be a part of a packet, and that {@link listen} cannot use. Hot. */
  frame(): void {
    // Of what comes between an ending and the next opening nothing is known.
    if (this.#openedMs === undefined) return;
    this.came();
    this.#frames += 1;
  }

  /** Frames below the packets were thrown away. */
  discarded(cause: FrameDiscard): void {
    if (this.#sample === undefined) return;
    this.#discards.set(cause, (this.#discards.get(cause) ?? 0) + 1);
  }

  /** A packet with points, a hello or the like has come at `ms`, monotonic. Hot. */
  talks(ms: number): void {
    this.#interval.report(ms);
    this.#hasPoints = true;
    this.#isUnreadable = false;
    this.#good();
  }

  #good(): void {
    this.#goodPackets += 1;
    if (this.#sample !== undefined) this.#nowTalks();
  }

  /** A packet has come whose points cannot be read. */
  undecodable(): void {
    if (this.#openedMs === undefined) return;
    if (this.#hasPoints) {
      this.#good();
      return;
    }
    this.#isUnreadable = true;
    if (this.#sample === undefined) this.#begin();
  }

  /** The device acknowledges: it talks, unless its points cannot be read. */
  acknowledges(): void {
    this.#hasAcknowledged = true;
    if (!this.#isUnreadable) this.#good();
  }

  /** The device talks, and loses points all the same. `what`: for people; `advice`: instead of the usual one. */
  note(cause: DiagnosisCause, what: string, advice?: string): void {
    if (this.#noted.has(cause)) return;
    const usual = diagnosis(cause, what, this.line.expected().listener);
    const noted = advice === undefined ? usual : { ...usual, advice };
    this.#noted.set(cause, noted);
    this.#tell(noted, '');
  }

  /** What was noted is over. */
  retract(cause: DiagnosisCause): void {
    this.#noted.delete(cause);
  }

  /** Begins to listen. */
  #begin(): void {
    this.#sample = new ByteSample();
    this.#frames = 0;
    this.#discards.clear();
    this.#quietFromMs = undefined;
  }

  #wait(): void {
    this.#goodBefore = this.#goodPackets;
    const now = this.clock.monotonicMs();
    if (this.#sample?.total === 0 && this.#frames === 0) this.#firstMs = now;
    let ms = this.#hasLooked ? NEXT_LOOK_MS : FIRST_LOOK_MS;
    if (this.#sample === undefined) {
      ms = this.#quietFromMs === undefined ? QUIET_MS : NEXT_LOOK_MS;
      this.#quietFromMs ??= now;
    }
    this.#timer = this.clock.setTimer(ms, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  #look(): void {
    if (this.#sample !== undefined) this.#analyse(this.#sample);
    // The packet may have been in the chunk that started the timer.
    else if (this.#goodPackets !== this.#goodBefore) this.#quietFromMs = undefined;
    else if (this.#isQuiet()) this.#begin();
  }

  /** Whether a device that has talked does so no more, as far as can be told. */
  #isQuiet(): boolean {
    const life = this.line.life();
    if (life === 'answers') return false;
    const unknownMs = life === 'gone' ? QUIET_MS : QUIET_UNKNOWN_MS;
    const intervalMs = this.#interval.ms;
    const patienceMs =
      intervalMs === undefined ? unknownMs : Math.max(QUIET_MS, QUIET_INTERVALS * intervalMs);
    return this.clock.monotonicMs() - (this.#quietFromMs ?? Infinity) >= patienceMs;
  }

  #analyse(sample: ByteSample): void {
    this.#hasLooked = true;
    const expected = this.line.expected();
    const frames = this.#frames;
    const finding =
      sample.total === 0 && frames > 0
        ? isoTpFinding(frames, this.#discards, expected.maxFrameLength)
        : analyse(sample.bytes(), expected);
    if (finding === undefined) return;
    const { cause, what, conclusive } = finding;
    // A device that has talked may be quiet, and what is heard then may be noise or its log.
    if (this.#hasTalked && (!conclusive || cause === 'onlyLogs')) return;
    if (!conclusive && this.#isConclusive) return;
    if (cause !== this.#diagnosis?.cause) {
      const heard =
        sample.total > 0 ? this.#rate(sample.total, 'byte') : this.#rate(frames, 'frame');
      this.#diagnosis = diagnosis(cause, `${heard}: ${what}`, expected.listener);
      this.#tell(this.#diagnosis, 'no packets: ');
    }
    this.#isConclusive = conclusive;
    // What comes next tells whether it is still so: somebody may have changed the firmware.
    if (conclusive) this.#begin();
  }

  #tell(found: Diagnosis, lead: string): void {
    if (this.#toldCauses.has(found.cause)) return;
    this.#toldCauses.add(found.cause);
    if (this.#told.due(found.cause) === 0) return;
    this.log.warn({ diagnosis: found.cause }, `${lead}${diagnosisText(found)}`);
  }

  #nowTalks(): void {
    this.#sample = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#hasTalked = true;
    this.#hasLooked = false;
    if (this.#diagnosis === undefined) return;
    this.log.info({ diagnosis: this.#diagnosis.cause }, 'the device talks now');
    this.#forget();
  }

  #forget(): void {
    this.#diagnosis = undefined;
    this.#isConclusive = false;
  }

  /** Rounded, so that the text is the same for some time. */
  #rate(total: number, unit: 'byte' | 'frame'): string {
    const seconds = Math.max(1_000, this.clock.monotonicMs() - this.#firstMs) / 1_000;
    return rateText(total / seconds, unit);
  }
}

/** Bytes or frames per second, to one digit. */
export function rateText(perS: number, unit: 'byte' | 'frame' = 'byte'): string {
  if (perS < 1) return `less than 1 ${unit}/s`;
  const power = 10 ** Math.floor(Math.log10(perS));
  return `about ${String(Math.round(perS / power) * power)} ${unit}s/s`;
}

const SILENCE = 'nothing was heard since the port was opened';
