import { Command } from 'commander';
import type { StatusOptions } from '../actions/status.js';
import { configOption, jsonOption } from '../options.js';

export function statusCommand(): Command {
  return new Command('status')
    .description('Show the gateway and all its links at a glance, and what is wrong with them.')
    .addOption(configOption())
    .addOption(jsonOption('one object as JSON, for programs'))
    .addHelpText(
      'after',
      '\nHEARD is the time since the last valid packet, ANSWERS how long the device takes to acknowledge,' +
        '\nUP and DOWN are points a second, and PENDING counts settings on their way.' +
        '\n\nThe gateway is asked by the socket in its runtimeDir, so that NATS need not be there. Where no' +
        '\ngateway answers by it, such as one on another machine, it is asked over NATS.' +
        '\n\nExit status: 0 the gateway runs, whatever its links do; 1 it does not, with the reason.' +
        '\nExample:\n  siot-mcu status --json | jq \'.links[] | select(.state != "talks") | .name, .reason\'',
    )
    .action(async (options: StatusOptions) =>
      (await import('../actions/status.js')).showStatus(options),
    );
}
