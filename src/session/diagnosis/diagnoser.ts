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
 *        closed                30 s with bytes and without a good packet
 * ```
 *
 * While the device talks, a chunk costs two comparisons and a packet one addition.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';
import { analyse, type Expected } from './analyse.js';
import { ByteSample } from './byte-sample.js';
import { diagnosis, diagnosisText, type Diagnosis, type DiagnosisCause } from './diagnosis.js';

/** From the first byte to the first analysis: several packets of most devices, and people need not wait 5 s. */
export const FIRST_LOOK_MS = 4_000;
const NEXT_LOOK_MS = 5_000;
/** Without a good packet for so long, a device that has talked is listened to again. */
const QUIET_MS = 30_000;
/** A port that is opened again and again does not fill the log. */
const TOLD_EVERY_MS = 60_000;

/** What the analysis needs to know of the line, as it is now. */
export interface DiagnosedLine {
  expected(): Expected;
}

/** Why the device of one line does not talk, over all openings. */
export class Diagnoser {
  readonly #told: LogRateLimiter;
  /** What is heard while it listens; `undefined`: the device talks, or the line is closed. */
  #sample: ByteSample | undefined;
  #timer: Timer | undefined;
  #openedMs: number | undefined;
  /** When the sample began, monotonic ms. */
  #firstMs = 0;
  #goodPackets = 0;
  /** At the start of the timer. */
  #goodBefore = 0;
  #hasTalked = false;
  #hasPoints = false;
  /** Its points cannot be read, as far as is known. */
  #isUnreadable = false;
  #hasLooked = false;
  #diagnosis: Diagnosis | undefined;
  #isConclusive = false;
  readonly #toldCauses = new Set<DiagnosisCause>();

  constructor(
    private readonly line: DiagnosedLine,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#told = new LogRateLimiter(clock, { everyMs: TOLD_EVERY_MS });
  }

  get diagnosis(): Diagnosis | undefined {
    if (this.#diagnosis !== undefined || this.#openedMs === undefined) return this.#diagnosis;
    const isSilent =
      this.#sample?.total === 0 &&
      !this.#hasTalked &&
      this.clock.monotonicMs() - this.#openedMs >= FIRST_LOOK_MS;
    return isSilent ? SILENCE : undefined;
  }

  opened(): void {
    this.closed();
    this.#openedMs = this.clock.monotonicMs();
    this.#sample = new ByteSample();
  }

  closed(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#openedMs = undefined;
    this.#sample = undefined;
    this.#hasTalked = false;
    this.#hasPoints = false;
    this.#isUnreadable = false;
    this.#hasLooked = false;
    this.#forget();
    this.#toldCauses.clear();
  }

  /** Something has come. True: {@link listen} wants it. Hot: called for each chunk. */
  came(): boolean {
    if (this.#timer === undefined) this.#wait();
    return this.#sample !== undefined;
  }

  /** What has come, in COBS frames if the line has another framing. */
  listen(bytes: Uint8Array): void {
    this.#sample?.add(bytes);
  }

  /** A packet with points, or a hello, has come. Hot. */
  talks(): void {
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
    if (this.#hasPoints || this.#openedMs === undefined) return;
    this.#isUnreadable = true;
    this.#sample ??= new ByteSample();
  }

  /** The device acknowledges: it talks, unless its points cannot be read. */
  acknowledges(): void {
    if (!this.#isUnreadable) this.#good();
  }

  /** The device talks, and loses points all the same. `what`: for people. */
  note(cause: DiagnosisCause, what: string): void {
    if (this.#diagnosis?.cause === cause) return;
    this.#set(diagnosis(cause, what));
    this.#isConclusive = true;
  }

  /** What was noted is over. */
  retract(cause: DiagnosisCause): void {
    if (this.#diagnosis?.cause === cause) this.#forget();
  }

  #wait(): void {
    this.#goodBefore = this.#goodPackets;
    if (this.#sample?.total === 0) this.#firstMs = this.clock.monotonicMs();
    const ms =
      this.#sample === undefined ? QUIET_MS : this.#hasLooked ? NEXT_LOOK_MS : FIRST_LOOK_MS;
    this.#timer = this.clock.setTimer(ms, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  #look(): void {
    if (this.#sample !== undefined) this.#analyse(this.#sample);
    // The packet may have been in the chunk that started the timer.
    else if (this.#goodPackets === this.#goodBefore) this.#sample = new ByteSample();
  }

  #analyse(sample: ByteSample): void {
    this.#hasLooked = true;
    const finding = analyse(sample.bytes(), this.line.expected());
    if (finding === undefined) return;
    const { cause, what, conclusive } = finding;
    // A device that has talked may be quiet, and what is heard then may be noise.
    if (!conclusive && (this.#isConclusive || this.#hasTalked)) return;
    if (cause !== this.#diagnosis?.cause) {
      this.#set(diagnosis(cause, `${this.#rate(sample)}: ${what}`));
    }
    this.#isConclusive = conclusive;
    // What comes next tells whether it is still so: somebody may have changed the firmware.
    if (conclusive) this.#sample = new ByteSample();
  }

  #set(found: Diagnosis): void {
    this.#diagnosis = found;
    if (this.#toldCauses.has(found.cause)) return;
    this.#toldCauses.add(found.cause);
    if (this.#told.due(found.cause) === 0) return;
    const lead = this.#sample === undefined ? '' : 'no packets: ';
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
  #rate({ total }: ByteSample): string {
    const seconds = Math.max(1_000, this.clock.monotonicMs() - this.#firstMs) / 1_000;
    return rateText(total / seconds);
  }
}

/** Bytes per second, to one digit. */
export function rateText(bytesPerS: number): string {
  if (bytesPerS < 1) return 'less than 1 byte/s';
  const unit = 10 ** Math.floor(Math.log10(bytesPerS));
  return `about ${String(Math.round(bytesPerS / unit) * unit)} bytes/s`;
}

const SILENCE = diagnosis('silence', 'nothing was heard since the port was opened');
