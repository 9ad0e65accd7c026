/** `siot-mcu status`. */
import type { GatewayConfig } from '../../gateway/config/config.js';
import type { StatusReply, StatusRequest } from '../../gateway/control/verbs/status-request.js';
import { readConfigFile } from '../config-file.js';
import { CliError } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { askGateway, NoGatewayError } from '../gateway-socket.js';
import type { ConfigOption, JsonOption } from '../options.js';
import { statusJson } from '../status-json.js';
import { wholeStatus } from '../status-pages.js';
import { statusText, type PageStyle } from '../status-text.js';
import { complain, printLine } from '../streams.js';

export type StatusOptions = ConfigOption & JsonOption;

/** Line length where stdout is no terminal. */
const COLUMNS = 80;
const FEWEST_COLUMNS = 40;
/** A longer line is hard to read. */
const MOST_COLUMNS = 120;

export async function showStatus({ config: file, json }: StatusOptions): Promise<void> {
  const status = await askForStatus(readConfigFile(file, process.env));
  if (json) printLine(JSON.stringify(statusJson(status)));
  else for (const line of statusText(status, styleOf(process.stdout))) printLine(line);
}

/** Throws a {@link CliError} that says why there is none. */
async function askForStatus(config: GatewayConfig): Promise<StatusReply> {
  try {
    return await wholeStatus((request) => askPage(config, request), true);
  } catch (error) {
    if (!(error instanceof NoGatewayError) || error.why !== 'stopped') throw error;
    // A private nats-server ends with its gateway.
    if (config.nats.embedded) throw error;
    const status = await askOverNats(config);
    if (typeof status === 'string') {
      throw new CliError(`${error.message} (over NATS: ${status})`, error.status, { cause: error });
    }
    complain(`siot-mcu: no gateway answers by the socket in ${config.runtimeDir}: asked over NATS`);
    return status;
  }
}

async function askPage(config: GatewayConfig, request: StatusRequest): Promise<StatusReply> {
  for await (const answer of askGateway(config, { verb: 'status', ...request })) {
    const page = answer as StatusReply | { readonly state: 'refused'; readonly reason: string };
    if ('reason' in page) throw new CliError(page.reason);
    return page;
  }
  throw new CliError('the gateway has ended meanwhile');
}

/** Why it cannot be asked, for people, in place of an answer. */
async function askOverNats(config: GatewayConfig): Promise<StatusReply | string> {
  try {
    const client = new GatewayClient(config);
    await client.connect();
    try {
      return await client.status({ pending: true });
    } finally {
      await client.close();
    }
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

function styleOf({ isTTY, columns }: NodeJS.WriteStream): PageStyle {
  const { NO_COLOR = '', TERM } = process.env;
  return {
    columns: isTTY ? Math.min(MOST_COLUMNS, Math.max(FEWEST_COLUMNS, columns || COLUMNS)) : COLUMNS,
    isColoured: isTTY && NO_COLOR === '' && TERM !== 'dumb',
  };
}
