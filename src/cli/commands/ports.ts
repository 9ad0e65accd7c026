import { Command } from 'commander';
import { CliError } from '../errors.js';
import { jsonOption } from '../options.js';

export function portsCommand(): Command {
  return new Command('ports')
    .description('List serial ports and CAN interfaces, with their identity and who holds them.')
    .addOption(jsonOption('a list in JSON'))
    .addHelpText('after', '\nExample:\n  siot-mcu ports')
    .action(() => {
      throw new CliError('ports are not listed yet');
    });
}
