/** A terminal on which lines are redrawn in place. */
import type { Size } from './watch-view.js';

/** What a {@link Screen} needs of stdout. */
export type Terminal = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>;

const REDRAW_MS = 250;

/** The alternate screen where a terminal has one, emptied; no cursor; long lines do not wrap. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J';
const LEAVE = '\x1b[H\x1b[J\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const ERASE_LINE = '\x1b[2K';
const ERASE_BELOW = '\x1b[J';

/** Whether lines can be redrawn on this stream. */
export const isTerminal = (output: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean =>
  output.isTTY && env['TERM'] !== undefined && env['TERM'] !== '' && env['TERM'] !== 'dumb';

/**
 * Draws until it is stopped: each quarter of a second, and when the terminal has another size. Then
 * the terminal is as it was, and the last lines stay on it. While the process is stopped by Ctrl-Z
 * the terminal belongs to the shell.
 */
export class Screen {
  #timer: NodeJS.Timeout | undefined;
  readonly #draw = (): void => this.draw();
  readonly #leave = (): void => this.stop();
  readonly #suspend = (): void => {
    this.stop();
    process.once('SIGCONT', () => this.start());
    process.kill(process.pid, 'SIGSTOP');
  };

  constructor(
    private readonly output: Terminal,
    private readonly lines: (size: Size) => readonly string[],
  ) {}

  start(): void {
    if (this.#timer !== undefined) return;
    this.output.write(ENTER);
    this.output.on('resize', this.#draw);
    process.on('SIGTSTP', this.#suspend);
    // Also where an error ends the program.
    process.on('exit', this.#leave);
    this.#timer = setInterval(this.#draw, REDRAW_MS);
    this.draw();
  }

  draw(): void {
    if (this.#timer === undefined) return;
    const lines = this.#lines().map((line) => `${ERASE_LINE}${line}`);
    this.output.write(`${HOME}${lines.join('\r\n')}\r\n${ERASE_BELOW}`);
  }

  /** Nothing happens if it is not drawing. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.output.off('resize', this.#draw);
    process.off('SIGTSTP', this.#suspend);
    process.off('exit', this.#leave);
    this.output.write(`${LEAVE}${this.#lines().join('\n')}\n`);
  }

  #lines(): readonly string[] {
    const { rows, columns } = this.output;
    // A terminal that does not know its size says 0. The last row is for the cursor.
    return this.lines({ rows: (rows || 24) - 1, columns: columns || 80 });
  }
}
