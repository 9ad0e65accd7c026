import { Command, Option } from 'commander';
import { isSwitch } from '../../gateway/link/remote-point-router.js';
import type { GatewayConfig } from '../../gateway/config/config.js';
import { isFinalSetReply, type SetReply, type SetRequest } from '../../gateway/control/control.js';
import { isNeverSentDown } from '../../point/reserved.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_FAILED, EXIT_WRONG } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import { configOption, seconds, type ConfigOption } from '../options.js';
import { nameOf, outcomeOf, type SetEnd } from '../set-outcome.js';
import { parseTarget, parseValue, type ValueForm } from '../set-value.js';
import { complain, printLine } from '../streams.js';

interface SetOptions extends ConfigOption, ValueForm {
  readonly timeout: number;
}

const FORMS = ['text', 'number', 'int', 'json'] as const;

const formOption = (form: (typeof FORMS)[number], what: string): Option =>
  new Option(`--${form}`, what).conflicts(FORMS.filter((other) => other !== form));

export function setCommand(): Command {
  return new Command('set')
    .description('Change a setting of a device through SIOT, and say when it has acknowledged it.')
    .argument('<link>', 'name of the link')
    .argument('<type[/key]>', 'the point')
    .argument('<value>', 'a number, on or true (1), off or false (0), or else text')
    .addOption(configOption())
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for the device')
        .argParser(seconds(86_400))
        .default(30),
    )
    .addOption(formOption('text', 'the value is text in SIOT, also 42, on and off'))
    .addOption(formOption('number', 'the value is a number, also where the point is text'))
    .addOption(formOption('int', 'the value is a whole number'))
    .addOption(formOption('json', 'the value is JSON'))
    .addHelpText(
      'after',
      '\nWithout one of these options, the value is text where the device reports the point as text.' +
        '\nOf a text that is a decimal number (--text 42), a device that reports the point as a number' +
        '\ngets the number, as of what SIOT’s own page sends.' +
        '\n\nThe value that the device reports then is waited for up to 2 s, and told; stderr has a' +
        '\nwarning where it is another. On a CAN bus the frame is taken by the bus; nobody acknowledges.' +
        '\n\nExit status: 0 acknowledged by the device, taken by the bus, or done by the gateway itself' +
        '\n(disabled, rxReset, …); 1 with the word and the reason: pending: it goes on without this command;' +
        '\nunconfirmed: sent, or replaced by a newer one, and not acknowledged, whatever the device reports;' +
        '\nrefused: nothing was set; 2 wrong words.' +
        '\nExamples:\n  siot-mcu set pump setpoint 5.5\n  siot-mcu set pump relay/2 off' +
        "\n  siot-mcu set pump display --text '42'",
    )
    .action(async (link: string, target: string, value: string, options: SetOptions) => {
      const request = { link, ...parseTarget(target), value: parseValue(value, options) };
      const config = readConfigFile(options.config, process.env);
      const client = await reach(config, request);
      try {
        tell(request, await change(client, request, options.timeout));
      } finally {
        await client.close();
      }
    });
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
