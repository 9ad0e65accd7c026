/** A line that is typed on a terminal, below lines that are printed meanwhile. */
import {
  clearScreenDown,
  createInterface,
  cursorTo,
  moveCursor,
  type Interface,
} from 'node:readline';

/** What a {@link Prompt} needs of a terminal. */
export interface PromptTerminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** Is told what a person does. */
export interface PromptHost {
  typed(line: string): void;
  /** Ctrl-], Ctrl-C or Ctrl-D, or the terminal is gone. */
  left(): void;
}

const CTRL_CLOSING_BRACKET = '\u001d';

/** A prompt; the terminal is as before after {@link close}. */
export class Prompt {
  readonly #lines: Interface;
  #isClosed = false;

  constructor(
    private readonly terminal: PromptTerminal,
    host: PromptHost,
  ) {
    const { input, output } = terminal;
    this.#lines = createInterface({
      input,
      output,
      terminal: true,
      prompt: '> ',
      historySize: 100,
    });
    this.#lines.on('line', (line) => {
      host.typed(line);
      this.#show();
    });
    this.#lines.on('SIGINT', () => host.left());
    this.#lines.on('close', () => {
      if (!this.#isClosed) host.left();
    });
    input.on('keypress', (_text, key: { sequence?: string } | undefined) => {
      if (key?.sequence === CTRL_CLOSING_BRACKET) host.left();
    });
    this.#lines.prompt();
  }

  /** Prints lines above what is being typed. */
  print(text: string): void {
    const { output } = this.terminal;
    if (this.#isClosed) {
      output.write(`${text}\n`);
      return;
    }
    this.#erase();
    output.write(`${text}\n`);
    this.#show();
  }

  /** Leaves nothing of the line that was being typed. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#erase();
    this.#isClosed = true;
    this.#lines.close();
  }

  #erase(): void {
    const { output } = this.terminal;
    moveCursor(output, 0, -this.#lines.getCursorPos().rows);
    cursorTo(output, 0);
    clearScreenDown(output);
    // readline takes the row of the cursor for the first of the line now.
    (this.#lines as { prevRows?: number }).prevRows = 0;
  }

  #show(): void {
    if (!this.#isClosed) this.#lines.prompt(true);
  }
}
