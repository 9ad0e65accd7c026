/** How far a file is: a bar on a terminal, lines in a pipe, or lines of JSON. */
import type { FileProgress } from '../session/files/file.js';
import { isTerminal } from './screen.js';
import { durationText } from './status-text.js';
import { printLine } from './streams.js';

const LINE_EVERY_MS = 1_000;
/** The rate is that of the last so many ms. */
const RATE_OVER_MS = 5_000;
const BAR_WIDTH = 24;
const RETURN_AND_ERASE = '\r\x1b[2K';

interface Sample {
  readonly ms: number;
  readonly bytes: number;
}

/** Shows one file, from {@link given} to {@link end}. */
export class FileProgressOutput {
  readonly #isBar: boolean;
  #samples: Sample[] = [];
  #lastLine = '';
  #lineMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly link: string,
    private readonly isJson: boolean,
    private readonly output: NodeJS.WriteStream = process.stdout,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#isBar = !isJson && isTerminal(output, process.env);
  }

  /** So much of the file is with the gateway; nothing has gone to the device. */
  given(bytes: number, of: number): void {
    if (this.#isBar) this.#draw(`to the gateway: ${size(bytes)} of ${size(of)}`);
  }

  progress(file: FileProgress): void {
    if (this.isJson) {
      this.#line(jsonOf(file), file.state === 'sending');
      return;
    }
    if (file.state !== 'sending') return;
    const rate = this.#rate(file.bytes);
    const text = progressText(file, rate);
    if (this.#isBar) this.#draw(`${bar(file)} ${text}`);
    else this.#line(`${file.name} to ${this.link}: ${text}`, true, `${file.bytes} ${file.reason}`);
  }

  end(file: FileProgress): void {
    this.leave();
    if (this.isJson || file.state === 'failed') return;
    const what =
      file.state === 'done' ? `has ${file.name}, ${size(file.of)}` : `gets no more of ${file.name}`;
    printLine(`${this.link} ${what}`);
  }

  /** The bar is left as it is. */
  leave(): void {
    if (this.#isBar && this.#lastLine !== '') this.output.write('\n');
    this.#lastLine = '';
  }

  #draw(text: string): void {
    if (text === this.#lastLine) return;
    this.#lastLine = text;
    const columns = this.output.columns || 80;
    this.output.write(`${RETURN_AND_ERASE}${text.slice(0, columns - 1)}`);
  }

  /** `what`: a line that says the same again is left out; `isStep`: not more than one a second. */
  #line(text: string, isStep: boolean, what = text): void {
    if (isStep && (what === this.#lastLine || this.nowMs() - this.#lineMs < LINE_EVERY_MS)) return;
    this.#lastLine = what;
    this.#lineMs = this.nowMs();
    printLine(text);
  }

  /** Bytes a second; `undefined`: not known yet. */
  #rate(bytes: number): number | undefined {
    const ms = this.nowMs();
    const last = this.#samples.at(-1);
    // It has begun again.
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ ms, bytes });
    while (ms - (this.#samples[0]?.ms ?? ms) > RATE_OVER_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || ms - first.ms < LINE_EVERY_MS) return undefined;
    return ((bytes - first.bytes) * 1_000) / (ms - first.ms);
  }
}

const jsonOf = ({ bytes, of, state, error }: FileProgress): string =>
  JSON.stringify({ bytes, of, state, ...(error === undefined ? {} : { error }) });

function progressText({ bytes, of, reason }: FileProgress, rate: number | undefined): string {
  const percent = of === 0 ? 0 : Math.floor((100 * bytes) / of);
  const parts = [`${String(percent)} %, ${size(bytes)} of ${size(of)}`];
  if (rate !== undefined) parts.push(`${size(rate)}/s`);
  if (rate !== undefined && rate > 0)
    parts.push(`${durationText(Math.max(1_000, (1_000 * (of - bytes)) / rate))} left`);
  if (reason !== undefined) parts.push(reason);
  return parts.join(', ');
}

function bar({ bytes, of }: FileProgress): string {
  const full = of === 0 ? 0 : Math.floor((BAR_WIDTH * bytes) / of);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`;
}

/** Such as `512 B`, `12.3 kB`, `4.5 MB`. */
function size(bytes: number): string {
  if (bytes < 1_000) return `${String(Math.round(bytes))} B`;
  if (bytes < 999_950) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
