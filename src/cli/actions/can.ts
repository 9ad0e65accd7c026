/** `siot-mcu can`. */
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { cansendText, isDated, isErrorDetail, parseCandumpLine } from '../../signals/candump.js';
import { DatabaseCodec } from '../../signals/database-codec.js';
import { idText } from '../../signals/database.js';
import { readDatabaseFile } from '../database-file.js';
import { DecodedLines } from '../decoded-lines.js';
import { encodeWords, findMessage } from '../encoded-frame.js';
import { CliError, EXIT_WRONG } from '../errors.js';
import { eitherOf } from '../options.js';
import { complain, printLine } from '../streams.js';
import { whyUnreadable } from '../text-file.js';

export interface BusOption {
  readonly bus?: string;
}

export interface DecodeOptions extends BusOption {
  readonly file?: string;
}

/** `can decode` */
export async function decodeLog(
  database: string,
  log: string | undefined,
  { file: option, bus }: DecodeOptions,
): Promise<void> {
  const file = eitherOf('logs', log, option);
  const decoder = new LogDecoder(new DatabaseCodec(readDatabaseFile(database, bus)), file);
  await decoder.run(file === undefined ? process.stdin : createReadStream(file));
}

/** `can encode` */
export function encodeFrame(
  database: string,
  name: string,
  words: readonly string[],
  { bus }: BusOption,
): void {
  const codec = findMessage(new DatabaseCodec(readDatabaseFile(database, bus)), name);
  printLine(cansendText(codec.frame(encodeWords(codec, words, complain))));
}

const MOST_COMPLAINTS = 20;
const MOST_IDS = 10;
/** Maximum number of characters: a longer line is not a line of candump. */
const MAX_LINE = 65_536;

class LogDecoder {
  readonly #lines = new DecodedLines();
  readonly #unknown = new Map<string, number>();
  #number = 0;
  #badLines = 0;
  #hasFrames = false;
  #out: string[] = [];

  constructor(
    private readonly codec: DatabaseCodec,
    private readonly file: string | undefined,
  ) {}

  async run(input: NodeJS.ReadableStream): Promise<void> {
    let rest = '';
    input.setEncoding('latin1');
    try {
      for await (const chunk of input as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#line(line);
        if (rest.length > MAX_LINE) rest = rest.slice(0, MAX_LINE);
        await this.#flush();
      }
    } catch (cause) {
      throw new CliError(`${this.#name} ${whyUnreadable(this.#name, cause)}`, EXIT_WRONG, {
        cause,
      });
    }
    if (rest !== '') this.#line(rest);
    await this.#flush();
    this.#summary();
  }

  get #name(): string {
    return this.file ?? 'stdin';
  }

  #line(line: string): void {
    this.#number += 1;
    const logged = parseCandumpLine(line);
    if (logged === undefined) {
      if (line.trim() !== '' && !isErrorDetail(line)) this.#bad(line);
      return;
    }
    this.#hasFrames = true;
    const { frame } = logged;
    if (frame.error || frame.remote) return;
    const codec = this.codec.find(frame);
    if (codec === undefined) {
      const id = idText(frame);
      this.#unknown.set(id, (this.#unknown.get(id) ?? 0) + 1);
    } else this.#out.push(this.#lines.line(codec, logged));
  }

  #bad(line: string): void {
    this.#badLines += 1;
    if (this.#badLines > MOST_COMPLAINTS) return;
    const why = isDated(line)
      ? 'a date without its time zone; log with candump -L, -l or -t a'
      : 'no frame of candump';
    complain(`${this.#name}:${this.#number}: ${why}: ${JSON.stringify(line.slice(0, 60))}`);
  }

  async #flush(): Promise<void> {
    if (this.#out.length === 0) return;
    const text = `${this.#out.join('\n')}\n`;
    this.#out = [];
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }

  #summary(): void {
    if (this.#badLines > 0 && !this.#hasFrames) {
      throw new CliError(
        `${this.#name} has no frame in any line; is it what candump writes?`,
        EXIT_WRONG,
      );
    }
    if (this.#badLines > MOST_COMPLAINTS) {
      complain(`${this.#name}: ${this.#badLines} lines in all have no frame of candump`);
    }
    if (this.#unknown.size === 0) return;
    const frames = [...this.#unknown.values()].reduce((sum, count) => sum + count, 0);
    const ids = [...this.#unknown].sort(([, a], [, b]) => b - a);
    const named = ids.slice(0, MOST_IDS).map(([id, count]) => `${id}: ${count}`);
    const more = ids.length > MOST_IDS ? ', …' : '';
    complain(
      `passed over ${frames} ${frames === 1 ? 'frame' : 'frames'} of ids that the database does not know ` +
        `(${named.join(', ')}${more})`,
    );
  }
}
