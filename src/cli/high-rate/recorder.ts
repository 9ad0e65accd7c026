/** Writes the samples of one channel into a file, or several, and says what is missing. */
import { highRateSamples, readHighRate, type HighRateHeader } from '../../packet/high-rate.js';
import { canonicalKey } from '../../point/point.js';
import { CliError } from '../errors.js';
import { harmless } from '../harmless.js';
import { nameOfChannel } from './channels.js';
import { nsText } from './ns-text.js';
import { SampleClock } from './sample-clock.js';
import type { SampleFile } from './sample-file.js';

/** What the recorder writes to, and what it tells. */
export interface RecorderHost {
  /** Makes the next file. Throws a {@link CliError} if that channel cannot be in one. */
  open(periodNs: number): SampleFile;
  /** Something that a person should know. */
  note(text: string): void;
  /** All that was wanted is there. */
  done(): void;
}

/** What was recorded. */
export interface Recorded {
  readonly samples: number;
  readonly seconds: number;
  readonly gaps: number;
  readonly missing: number;
  readonly files: readonly string[];
}

/** A line that breaks all the time would make files without end. */
const MOST_FILES = 1_000;
/** Names of other channels that are kept, to tell them to a person. */
const MOST_OTHERS = 10;
/** What is told of gaps; after that they are only counted. */
const MOST_TOLD = 20;

export class Recorder {
  readonly #name: string;
  readonly #clock = new SampleClock();
  readonly #others = new Set<string>();
  readonly #files: string[] = [];
  #file: SampleFile | undefined;
  #samples = 0;
  #recordedNs = 0;
  #gaps = 0;
  #missing = 0;
  #told = 0;
  #isDone = false;

  constructor(
    private readonly type: string,
    private readonly key: string,
    private readonly host: RecorderHost,
    /** Ends after samples of so many seconds, gaps included; `undefined`: never. */
    private readonly seconds: number | undefined,
  ) {
    this.#name = nameOfChannel({ type, key });
  }

  /** Other channels that have come. */
  get others(): readonly string[] {
    return [...this.#others].sort();
  }

  get recorded(): Recorded {
    return {
      samples: this.#samples,
      seconds: this.#recordedNs / 1e9,
      gaps: this.#gaps,
      missing: this.#missing,
      files: this.#files,
    };
  }

  /** The payload of a packet of the link. Throws a {@link CliError}. */
  take(payload: Uint8Array): void {
    if (this.#isDone) return;
    const header = readHighRate(payload);
    if (header === undefined || header.periodNs === 0) return;
    if (header.type !== this.type || canonicalKey(header.key) !== canonicalKey(this.key)) {
      if (this.#others.size < MOST_OTHERS) this.#others.add(harmless(nameOfChannel(header)));
      return;
    }
    this.#follow(header);
    const { startNs, periodNs } = header;
    const samples = highRateSamples(payload);
    const wanted = samples.subarray(0, this.#left(periodNs));
    const file = this.#fileFor(wanted.length, periodNs);
    file.write(startNs, periodNs, wanted);
    this.#samples += wanted.length;
    this.#recordedNs += wanted.length * periodNs;
    if (this.#left(periodNs) === 0) this.#end();
  }

  flush(): void {
    this.#file?.flush();
  }

  /** Throws a {@link CliError} if what was not written yet cannot be; it is closed all the same. */
  close(): void {
    this.#isDone = true;
    this.#closeFile();
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    file?.close();
  }

  #end(): void {
    this.close();
    this.host.done();
  }

  /** Samples that are still wanted. */
  #left(periodNs: number): number {
    if (this.seconds === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, Math.round((this.seconds * 1e9 - this.#recordedNs) / periodNs));
  }

  #follow(header: HighRateHeader): void {
    const { startNs, periodNs } = header;
    const following = this.#clock.take(header);
    if (following.kind === 'follows') return;
    if (following.kind === 'begins') {
      const at = nsText(startNs);
      if (following.why === 'first') {
        this.host.note(`${this.#name}: ${rateOf(periodNs)}, the first sample is of ${at}`);
        return;
      }
      const why =
        following.why === 'period'
          ? `its rate is another: ${rateOf(periodNs)}`
          : 'its clock was set back, or samples came twice';
      const text = `${this.#name}: ${why}, from ${at} on`;
      if (this.#file?.hasTimes === true) this.#tell(text);
      else this.#nextFile(text);
      return;
    }
    const { missing, fromNs } = following;
    this.#gaps += 1;
    this.#missing += missing;
    this.#recordedNs += missing * periodNs;
    const text =
      `${this.#name}: ${missing} samples are missing from ${nsText(fromNs)} to ${nsText(startNs)} ` +
      `(${Number(((missing * periodNs) / 1e9).toPrecision(3))} s)`;
    if (this.#file?.gap(fromNs, periodNs, missing) === false) this.#nextFile(text);
    else this.#tell(text);
  }

  #tell(text: string): void {
    this.#told += 1;
    if (this.#told > MOST_TOLD) return;
    const last = this.#told === MOST_TOLD ? '; further ones are only counted' : '';
    this.host.note(`${text}${last}`);
  }

  /** What comes goes into another file. */
  #nextFile(why: string): void {
    this.#closeFile();
    this.#tell(`${why}: another file`);
  }

  #fileFor(samples: number, periodNs: number): SampleFile {
    if (this.#file?.isFull(samples) === true) this.#nextFile(`${this.#file.path} is full`);
    if (this.#file === undefined) {
      if (this.#files.length >= MOST_FILES) {
        throw new CliError(`there are ${MOST_FILES} files, one after each gap: --fill makes one`);
      }
      this.#file = this.host.open(periodNs);
      this.#files.push(this.#file.path);
    }
    return this.#file;
  }
}

const rateOf = (periodNs: number): string =>
  `${Number((1e9 / periodNs).toPrecision(9))} samples/s (one each ${periodNs} ns)`;
