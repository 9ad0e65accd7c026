/** `siot-mcu set`. */
import { isSwitch } from '../../gateway/link/remote-point-router.js';
import type { GatewayConfig } from '../../gateway/config/config.js';
import { isFinalSetReply, type SetReply, type SetRequest } from '../../gateway/control/control.js';
import { isNeverSentDown } from '../../point/reserved.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_FAILED, EXIT_WRONG } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import type { ConfigOption } from '../options.js';
import { nameOf, outcomeOf, type SetEnd } from '../set-outcome.js';
import { parseTarget, parseValue, type ValueForm } from '../set-value.js';
import { complain, printLine } from '../streams.js';

export interface SetOptions extends ConfigOption, ValueForm {
  readonly timeout: number;
}

export async function set(
  link: string,
  target: string,
  value: string,
  options: SetOptions,
): Promise<void> {
  const request = { link, ...parseTarget(target), value: parseValue(value, options) };
  const config = readConfigFile(options.config, process.env);
  const client = await reach(config, request);
  try {
    tell(request, await change(client, request, options.timeout));
  } finally {
    await client.close();
  }
}

/** Connects. Throws a {@link CliError}, before anything is set, if the gateway does not answer or has no such link. */
async function reach(config: GatewayConfig, request: SetRequest): Promise<GatewayClient> {
  try {
    const client = new GatewayClient(config);
    await client.connect();
    try {
      findLink((await client.status()).links, request.link);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  } catch (error) {
    if (!(error instanceof CliError) || error.status !== EXIT_FAILED) throw error;
    const refused = `${nameOf(request)} is refused: ${error.message}`;
    throw new CliError(refused, EXIT_FAILED, { cause: error });
  }
}

/** Resolves with the last answer: a final one, or the last before the time was over or the connection was lost. */
function change(
  client: GatewayClient,
  request: SetRequest,
  timeoutSeconds: number,
): Promise<SetEnd> {
  let last: SetReply | undefined;
  let reason = 'accepted by the gateway';
  return new Promise((resolve) => {
    const timer = setTimeout(
      () => resolve({ last, reason, why: `not acknowledged within ${timeoutSeconds} s` }),
      timeoutSeconds * 1000,
    );
    client.set(request, (reply) => {
      if (reply !== undefined) last = reply;
      if (reply?.state === 'waiting' && reply.reason !== reason) {
        reason = reply.reason;
        complain(`${nameOf(request)} is pending: ${reason}`);
      }
      if (reply !== undefined && !isFinalSetReply(reply)) return;
      clearTimeout(timer);
      resolve({ last, reason, why: 'the connection to NATS was lost' });
    });
  });
}

function tell(request: SetRequest, end: SetEnd): void {
  const { line, warning, problem } = outcomeOf(request, end);
  if (warning !== undefined) complain(`siot-mcu: ${warning}`);
  if (line !== undefined) printLine(line);
  if (problem === undefined) return;
  const settable = isSwitch(request.type) || !isNeverSentDown(request.type);
  const wrong = end.last?.state === 'refused' && !settable;
  throw new CliError(problem, wrong ? EXIT_WRONG : EXIT_FAILED);
}
