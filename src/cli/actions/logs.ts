/** `siot-mcu logs`. */
import { once } from 'node:events';
import type { GatewayConfig } from '../../gateway/config/config.js';
import type {
  LogPlace,
  LogsReply,
  LogsRequest,
  RestartsReply,
} from '../../gateway/control/control.js';
import type { LogLevel } from '../../session/node/log-level.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_WRONG } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { askGateway, NoGatewayError } from '../gateway-socket.js';
import { endOnInterrupt } from '../interrupt.js';
import { logJson, logText, lostJson, lostText, restartText } from '../log-lines.js';
import type { ConfigOption, JsonOption } from '../options.js';
import { overRestarts, pause, type ShownAnswers } from '../over-restarts.js';
import { complain, printLine } from '../streams.js';

export interface LogsOptions extends ConfigOption, JsonOption {
  readonly follow?: true;
  /** ms */
  readonly since?: number;
  readonly level?: LogLevel;
  readonly restarts?: true;
}

export async function logs(link: string, options: LogsOptions): Promise<void> {
  const { since: sinceMs, level } = options;
  const request = {
    link,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(level === undefined ? {} : { level }),
  };
  const config = readConfigFile(options.config, process.env);
  if (options.restarts) {
    await showRestarts(config, link, options);
    return;
  }
  const printer = new Printer(options);
  if (options.follow) endOnInterrupt();
  try {
    if (options.follow) await follow(config, request, printer);
    else {
      const ask: Ask = (asked) => first(askGateway(config, { verb: 'logs', ...asked }));
      await printAll(ask, request, printer);
    }
  } catch (error) {
    await overNats(config, request, printer, elsewhere(config, error), options.follow === true);
  }
}

/** The error, if the gateway may be reached over NATS; throws it otherwise. */
function elsewhere(config: GatewayConfig, error: unknown): NoGatewayError {
  // A private nats-server ends with its gateway.
  const isElsewhere =
    error instanceof NoGatewayError && error.why === 'stopped' && !config.nats.embedded;
  if (isElsewhere) return error;
  throw error;
}

async function showRestarts(
  config: GatewayConfig,
  link: string,
  { json }: LogsOptions,
): Promise<void> {
  const reply = await askRestarts(config, link);
  if (reply.state === 'refused') throw new CliError(reply.reason, EXIT_WRONG);
  for (const restart of reply.restarts) {
    printLine(json ? JSON.stringify(restart) : restartText(restart));
  }
  if (reply.restarts.length === 0) complain('siot-mcu: no restart of this device is kept');
}

async function askRestarts(config: GatewayConfig, link: string): Promise<RestartsReply> {
  try {
    return await first(askGateway(config, { verb: 'restarts', link }));
  } catch (error) {
    const client = await reach(config, elsewhere(config, error));
    try {
      return await client.restarts({ link });
    } finally {
      await client.close();
    }
  }
}

async function first<Reply>(answers: AsyncIterable<unknown>): Promise<Reply> {
  for await (const answer of answers) return answer as Reply;
  throw new CliError('the gateway has ended meanwhile');
}

type Ask = (request: LogsRequest) => Promise<LogsReply>;

/** Prints all pages. */
async function printAll(ask: Ask, request: LogsRequest, printer: Printer): Promise<void> {
  for (let more = true; more;) more = await printer.reply(await ask(printer.rest(request)));
}

/** Runs until the program ends. Throws if no gateway answers at first, or it has no such link. */
function follow(config: GatewayConfig, request: LogsRequest, printer: Printer): Promise<never> {
  return overRestarts(async () => {
    const asked = { verb: 'follow', ...printer.rest(request) } as const;
    for await (const answer of askGateway(config, asked)) await printer.reply(answer as LogsReply);
  }, printer);
}

async function overNats(
  config: GatewayConfig,
  request: LogsRequest,
  printer: Printer,
  bySocket: NoGatewayError,
  isFollowed: boolean,
): Promise<void> {
  const client = await reach(config, bySocket);
  const ask = (): Promise<void> => printAll((asked) => client.logs(asked), request, printer);
  const askOnAndOn = async (): Promise<never> => {
    for (;;) {
      await ask();
      await pause();
    }
  };
  try {
    await (isFollowed ? overRestarts(askOnAndOn, printer) : ask());
  } finally {
    await client.close();
  }
}

/** Throws a {@link CliError} that says why the gateway is reached by neither way. */
async function reach(config: GatewayConfig, bySocket: NoGatewayError): Promise<GatewayClient> {
  try {
    const client = new GatewayClient(config);
    await client.connect();
    const { runtimeDir } = config;
    complain(`siot-mcu: no gateway answers by the socket in ${runtimeDir}: asked over NATS`);
    return client;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const message = `${bySocket.message} (over NATS: ${error.message})`;
    throw new CliError(message, bySocket.status, { cause: error });
  }
}

/** Prints lines; it reads no faster than its reader. */
class Printer implements ShownAnswers {
  #place: LogPlace | undefined;
  #note = '';
  readonly #isColoured: boolean;

  constructor(private readonly options: LogsOptions) {
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
