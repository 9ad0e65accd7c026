import { Command } from 'commander';
import { jsonOption, type JsonOption } from '../options.js';

export function portsCommand(): Command {
  return new Command('ports')
    .description('List serial ports and CAN interfaces, with their identity and who holds them.')
    .addOption(jsonOption('one JSON object: {"serial": […], "can": […]}'))
    .addHelpText('after', '\nExample:\n  siot-mcu ports')
    .action(async (options: JsonOption) => (await import('../actions/ports.js')).ports(options));
}
