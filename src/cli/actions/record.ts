/** `siot-mcu record`. */
import { extname } from 'node:path';
import { CliError, EXIT_WRONG } from '../errors.js';
import { CsvFile } from '../high-rate/csv-file.js';
import { hearLink } from '../high-rate/listen.js';
import { OutputFiles } from '../high-rate/output-files.js';
import { Recorder } from '../high-rate/recorder.js';
import type { SampleFile } from '../high-rate/sample-file.js';
import { WavFile, wavRate } from '../high-rate/wav-file.js';
import { interrupted } from '../interrupt.js';
import type { ConfigOption } from '../options.js';
import { parseTarget } from '../set-value.js';
import { complain } from '../streams.js';

export interface RecordOptions extends ConfigOption {
  readonly output: string;
  readonly seconds?: number;
  readonly fill?: true;
  readonly force?: true;
}

const FLUSH_EVERY_MS = 1_000;
/** After so long without a sample a person is told; and with `--seconds`, after it, nothing more is waited for, ms. */
const SILENT_MS = 3_000;

export async function record(link: string, target: string, options: RecordOptions): Promise<void> {
  const { output, seconds, force } = options;
  const { type, key } = parseTarget(target);
  const extension = extname(output).toLowerCase();
  if (extension !== '.csv' && extension !== '.wav') {
    throw new CliError(`${output}: give a file that ends in .csv or .wav`, EXIT_WRONG);
  }
  if (options.fill && extension === '.csv') {
    throw new CliError('--fill is for .wav: in a .csv each sample has its time', EXIT_WRONG);
  }
  const outputs = new OutputFiles(output, force === true);
  outputs.check();

  const recording = new Recording(options, extension, outputs);
  const recorder = new Recorder(type, key, recording, seconds);
  const ended = Promise.race([recording.ended, interrupted()]);
  const heard = await hearLink(options.config, link, (payload) => {
    try {
      recorder.take(payload);
    } catch (error) {
      recording.failed(error);
    }
  });
  const timer = setInterval(
    () => recording.look(recorder, `${heard.name} ${target}`),
    FLUSH_EVERY_MS,
  );
  try {
    await ended;
  } finally {
    clearInterval(timer);
    try {
      recorder.close();
    } finally {
      await heard.close();
    }
  }
  const { samples, seconds: took, gaps, missing, files } = recorder.recorded;
  if (samples === 0) throw new CliError(nothingOf(target, recorder.others));
  const lost = gaps === 0 ? 'no gap' : `${gaps} gaps with ${missing} samples missing`;
  complain(`${samples} samples in ${Number(took.toFixed(3))} s, ${lost}: ${files.join(', ')}`);
}

/** The files of a recording, and when it is over. */
class Recording {
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  readonly #beganMs = performance.now();
  #isTold = false;
  #samples = 0;
  #heardMs = performance.now();

  constructor(
    private readonly options: RecordOptions,
    private readonly extension: string,
    private readonly outputs: OutputFiles,
  ) {
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  open(periodNs: number): SampleFile {
    const path = this.outputs.next();
    if (this.extension === '.csv') return new CsvFile(path);
    const rate = wavRate(periodNs);
    if (rate === 0)
      throw new CliError('one sample each 2 s or more is too slow for .wav: use .csv');
    if (rate * periodNs !== 1e9) {
      const exact = Number((1e9 / periodNs).toPrecision(9));
      complain(`${path}: its header says ${rate} samples/s, and the device ${exact}`);
    }
    return new WavFile(path, rate, this.options.fill === true);
  }

  note(text: string): void {
    complain(text);
  }

  done(): void {
    this.#end();
  }

  failed(error: unknown): void {
    this.#fail(error);
  }

  /** Each second. */
  look(recorder: Recorder, what: string): void {
    try {
      recorder.flush();
    } catch (error) {
      this.#fail(error);
    }
    const { samples } = recorder.recorded;
    const nowMs = performance.now();
    if (samples !== this.#samples) this.#heardMs = nowMs;
    this.#samples = samples;
    const silentMs = nowMs - this.#heardMs;
    if (silentMs < SILENT_MS) {
      this.#isTold = false;
    } else if (!this.#isTold) {
      this.#isTold = true;
      const { others } = recorder;
      const come = others.length === 0 ? '' : `; these come: ${others.join(', ')}`;
      complain(`no samples of ${what} for ${Math.round(silentMs / 1000)} s${come}`);
    }
    const { seconds } = this.options;
    const isOver = seconds !== undefined && nowMs - this.#beganMs >= seconds * 1000 + SILENT_MS;
    if (isOver && silentMs >= SILENT_MS) this.#end();
  }
}

function nothingOf(target: string, others: readonly string[]): string {
  const come =
    others.length === 0
      ? 'and none of another channel'
      : `but of ${others.join(', ')}: give one of these`;
  return `no sample of ${target} came, ${come}`;
}
