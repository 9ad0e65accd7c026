/** `siot-mcu logs`. */
import type { GatewayConfig } from '../../gateway/config/config.js';
import type { LogsReply, LogsRequest, RestartsReply } from '../../gateway/control/control.js';
import type { LogLevel } from '../../session/node/log-level.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_WRONG } from '../errors.js';
import type { GatewayClient } from '../gateway-client.js';
import { askGateway } from '../gateway-socket.js';
import { endOnInterrupt } from '../interrupt.js';
import { restartText } from '../log-lines.js';
import { LogPrinter } from '../log-printer.js';
import type { ConfigOption, JsonOption } from '../options.js';
import { reachOverNats } from '../over-nats.js';
import { overRestarts, pause } from '../over-restarts.js';
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
  const printer = new LogPrinter(options);
  if (options.follow) endOnInterrupt();
  try {
    if (options.follow) await follow(config, request, printer);
    else {
      const ask: Ask = (asked) => first(askGateway(config, { verb: 'logs', ...asked }));
      await printAll(ask, request, printer);
    }
  } catch (error) {
    const client = await reachOverNats(config, error);
    try {
      await askOverNats(client, request, printer, options.follow === true);
    } finally {
      await client.close();
    }
  }
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
    const client = await reachOverNats(config, error);
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
async function printAll(ask: Ask, request: LogsRequest, printer: LogPrinter): Promise<void> {
  for (let more = true; more;) more = await printer.reply(await ask(printer.rest(request)));
}

/** Runs until the program ends. Throws if no gateway answers at first, or it has no such link. */
function follow(config: GatewayConfig, request: LogsRequest, printer: LogPrinter): Promise<never> {
  return overRestarts(async () => {
    const asked = { verb: 'follow', ...printer.rest(request) } as const;
    for await (const answer of askGateway(config, asked)) await printer.reply(answer as LogsReply);
  }, printer);
}

function askOverNats(
  client: GatewayClient,
  request: LogsRequest,
  printer: LogPrinter,
  isFollowed: boolean,
): Promise<void> {
  const ask = (): Promise<void> => printAll((asked) => client.logs(asked), request, printer);
  if (!isFollowed) return ask();
  return overRestarts(async () => {
    for (;;) {
      await ask();
      await pause();
    }
  }, printer);
}
