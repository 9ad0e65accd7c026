import type { BytePipe } from '../pipe.js';
import { tokenize } from './tokenizer.js';

/** What a console does with a command: its words; returns the lines that it answers with. */
export type RunCommand = (words: readonly Buffer[]) => readonly string[];

const PROMPT = 'uart:~$ ';
const COLOURED_PROMPT = `\x1b[1;32m${PROMPT}\x1b[m`;
/** Characters of a command; the others are not taken. */
const LONGEST_COMMAND = 255;

const [LF, CR, ESC, CSI, BACKSPACE, DELETE] = [0x0a, 0x0d, 0x1b, 0x5b, 0x08, 0x7f];

/** The severity of a log line, with its colour. */
const COLOURS = { err: '1;31', wrn: '1;33', inf: '1;32', dbg: '1;34' } as const;
/** As Zephyr writes it. */
export type LogLevel = keyof typeof COLOURS;

/**
 * Zephyr's shell on a UART: a line editor with echo, prompt and colours, and output of
 * other threads between. What is typed and neither printable ASCII nor backspace is ignored.
 */
export class ShellConsole {
  #echo = true;
  #colours = true;
  #typed: number[] = [];
  #escape: 'none' | 'begun' | 'control' = 'none';
  #afterCr = false;
  /** A prompt stands in the last line. */
  #prompted = false;

  constructor(
    private readonly pipe: Pick<BytePipe, 'write'>,
    private readonly run: RunCommand,
  ) {}

  /** Power on: the banner. */
  boot(banner: readonly string[]): void {
    this.#echo = true;
    this.#colours = true;
    this.#typed = [];
    this.#escape = 'none';
    this.#prompted = false;
    for (const line of banner) this.#write(`${line}\r\n`);
  }

  /** The shell's thread runs: the first prompt. */
  begin(): void {
    this.#prompt();
  }

  /** Prints a line that another thread has: the line with the prompt is written anew below it. */
  print(line: string): void {
    this.#erasePrompt();
    this.#write(`${line}\r\n`);
    if (!this.#prompted) return;
    this.#prompt();
    if (this.#echo) this.pipe.write(Buffer.from(this.#typed));
  }

  /** The first half of such a line, in which the device is reset. */
  printHalf(line: string): void {
    this.#erasePrompt();
    this.#write(line.slice(0, Math.ceil(line.length / 2)));
  }

  /** As {@link print}, a log line; `sinceStartMs`: of the device's clock. */
  log(level: LogLevel, module: string, text: string, sinceStartMs: number): void {
    const us = Math.floor(sinceStartMs * 1000);
    const two = (number: number): string => String(Math.floor(number) % 60).padStart(2, '0');
    const three = (number: number): string => String(number % 1000).padStart(3, '0');
    const hours = String(Math.floor(us / 3.6e9)).padStart(2, '0');
    const ms = Math.floor(us / 1000);
    const time = `[${hours}:${two(us / 6e7)}:${two(us / 1e6)}.${three(ms)},${three(us)}]`;
    const said = `<${level}> ${module}: ${text}`;
    this.print(this.#colours ? `${time} \x1b[${COLOURS[level]}m${said}\x1b[0m` : `${time} ${said}`);
  }

  /** What somebody types. */
  type(bytes: Uint8Array): void {
    for (const byte of bytes) this.#key(byte);
  }

  #key(byte: number): void {
    if (this.#escape !== 'none') {
      const ends = this.#escape === 'begun' ? byte !== CSI : byte >= 0x40 && byte <= 0x7e;
      this.#escape = ends ? 'none' : 'control';
      return;
    }
    const afterCr = this.#afterCr;
    this.#afterCr = byte === CR;
    if (byte === LF && afterCr) return;
    if (byte === CR || byte === LF) {
      this.#enter();
    } else if (byte === ESC) {
      this.#escape = 'begun';
    } else if (byte === BACKSPACE || byte === DELETE) {
      if (this.#typed.pop() !== undefined && this.#echo) this.#write('\b \b');
    } else if (byte >= 0x20 && byte < DELETE && this.#typed.length < LONGEST_COMMAND) {
      this.#typed.push(byte);
      if (this.#echo) this.pipe.write(Uint8Array.of(byte));
    }
  }

  #enter(): void {
    const command = Uint8Array.from(this.#typed);
    this.#typed = [];
    this.#prompted = false;
    this.#write('\r\n');
    const words = tokenize(command);
    const lines = words === undefined ? ['Error: quotation marks do not match'] : this.#do(words);
    for (const line of lines) this.#write(`${line}\r\n`);
    this.#prompt();
  }

  #do(words: readonly Buffer[]): readonly string[] {
    if (words.length === 0) return [];
    return this.#builtIn(words.map(String)) ?? this.run(words);
  }

  /** `shell echo on` and the like; `undefined`: it is another command. */
  #builtIn(words: readonly string[]): readonly string[] | undefined {
    const [command, what, on] = words;
    if (command !== 'shell') return undefined;
    const isOn = on === 'on';
    if (what === 'echo' && (isOn || on === 'off')) this.#echo = isOn;
    else if (what === 'colors' && (isOn || on === 'off')) this.#colours = isOn;
    else return [`shell: wrong parameter count`];
    return [];
  }

  /** The terminal's cursor goes back to the beginning, and what is right of it is erased. */
  #erasePrompt(): void {
    if (!this.#prompted) return;
    const typed = this.#echo ? this.#typed.length : 0;
    this.#write(`\x1b[${String(PROMPT.length + typed)}D\x1b[J`);
  }

  #prompt(): void {
    this.#prompted = true;
    this.#write(this.#colours ? COLOURED_PROMPT : PROMPT);
  }

  #write(text: string): void {
    this.pipe.write(Buffer.from(text));
  }
}
