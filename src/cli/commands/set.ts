import { Command, Option } from 'commander';
import { isFinalSetReply, type SetReply, type SetRequest } from '../../gateway/verbs.js';
import { isNeverSentDown } from '../../point/reserved.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_FAILED, EXIT_WRONG } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import { configOption, seconds, type ConfigOption } from '../options.js';
import { parseTarget, parseValue, type ValueForm } from '../set-value.js';
import { complain, printLine } from '../streams.js';

interface SetOptions extends ConfigOption, ValueForm {
  readonly timeout: number;
}

export function setCommand(): Command {
  return new Command('set')
    .description('Change a setting of a device through SIOT, and say when it has acknowledged it.')
    .argument('<link>', 'name of the link')
    .argument('<type[/key]>', 'the point')
    .argument('<value>', 'number, true or false (1 or 0), or else text')
    .addOption(configOption())
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for the device')
        .argParser(seconds(86_400))
        .default(30),
    )
    .addOption(new Option('--text', 'the value is text').conflicts(['json', 'int']))
    .addOption(new Option('--json', 'the value is JSON').conflicts(['text', 'int']))
    .addOption(new Option('--int', 'the value is a whole number').conflicts(['text', 'json']))
    .addHelpText(
      'after',
      '\nExit status: 0 acknowledged; 1 not, or not yet: the setting stays pending; 2 wrong words.' +
        '\nExamples:\n  siot-mcu set pump setpoint 5.5\n  siot-mcu set pump relay/2 true' +
        "\n  siot-mcu set pump display --text '42'",
    )
    .action(async (link: string, target: string, value: string, options: SetOptions) => {
      const request = { link, ...parseTarget(target), value: parseValue(value, options) };
      const client = new GatewayClient(readConfigFile(options.config, process.env));
      await client.connect();
      try {
        findLink((await client.status()).links, link);
        printLine(await change(client, request, options.timeout));
      } finally {
        await client.close();
      }
    });
}

/** Resolves to the good news; throws a {@link CliError} with any other. */
async function change(
  client: GatewayClient,
  request: SetRequest,
  timeoutSeconds: number,
): Promise<string> {
  const name = request.key === '' ? request.type : `${request.type}/${request.key}`;
  let reason = 'the gateway has not answered';
  const last = await new Promise<SetReply | 'lost' | 'timeout'>((resolve) => {
    const timer = setTimeout(() => resolve('timeout'), timeoutSeconds * 1000);
    client.set(request, (reply) => {
      if (reply !== undefined && !isFinalSetReply(reply)) {
        if (reply.state === 'accepted') reason = 'accepted by the gateway';
        if (reply.state !== 'waiting' || reply.reason === reason) return;
        reason = reply.reason;
        complain(`${name} is pending: ${reason}`);
        return;
      }
      clearTimeout(timer);
      resolve(reply ?? 'lost');
    });
  });
  if (last === 'timeout') {
    throw new CliError(`${name} is not acknowledged within ${timeoutSeconds} s: ${reason}`);
  }
  if (last === 'lost') {
    throw new CliError(`the connection to NATS was lost; the last that is known: ${reason}`);
  }
  switch (last.state) {
    case 'acknowledged':
      return `${name} is acknowledged by ${request.link}`;
    case 'unconfirmed':
      throw new CliError(`${name} is unconfirmed: ${last.reason}`);
    case 'replaced':
      throw new CliError(`${name} was replaced: ${last.reason}`);
    case 'refused': {
      const status = isNeverSentDown(request.type) ? EXIT_WRONG : EXIT_FAILED;
      throw new CliError(`${name} is refused: ${last.reason}`, status);
    }
    case 'accepted':
    case 'waiting':
      throw new CliError(reason);
  }
}
