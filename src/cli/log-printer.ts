/** Prints the log lines of a device, page by page. */
import { once } from 'node:events';
import type { LogPlace, LogsReply, LogsRequest } from '../gateway/control/control.js';
import { CliError, EXIT_WRONG } from './errors.js';
import { logJson, logText, lostJson, lostText } from './log-lines.js';
import type { JsonOption } from './options.js';
import type { ShownAnswers } from './over-restarts.js';
import { complain, printLine } from './streams.js';

/** Prints lines; it reads no faster than its reader. */
export class LogPrinter implements ShownAnswers {
  #place: LogPlace | undefined;
  #note = '';
  readonly #isColoured: boolean;

  constructor(private readonly options: JsonOption) {
    const { NO_COLOR = '', TERM } = process.env;
    this.#isColoured = process.stdout.isTTY && NO_COLOR === '' && TERM !== 'dumb';
  }

  get hasBegun(): boolean {
    return this.#place !== undefined;
  }

  /** What is left to be asked for. */
  rest(request: LogsRequest): LogsRequest {
    return this.#place === undefined ? request : { ...request, after: this.#place };
  }

  /** Prints the lines of a reply. False: there are no more now. Throws a {@link CliError} for a refusal. */
  async reply(reply: LogsReply): Promise<boolean> {
    if (reply.state === 'refused') throw new CliError(reply.reason, EXIT_WRONG);
    const { lines, lost, next, more } = reply;
    const { json } = this.options;
    this.#place = next;
    this.#note = '';
    if (lost > 0) printLine(json ? lostJson(lost) : lostText(lost));
    for (const line of lines) printLine(json ? logJson(line) : logText(line, this.#isColoured));
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
    return more;
  }

  /** On stderr. */
  note(text: string): void {
    if (text !== this.#note) complain(`siot-mcu: ${text}`);
    this.#note = text;
  }
}
