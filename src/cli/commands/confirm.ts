import { Command } from 'commander';
import { configOption, type ConfigOption } from '../options.js';

export function confirmCommand(): Command {
  return new Command('confirm')
    .description('Say that the USB board that is plugged in now is the right one for a link.')
    .argument('<link>', 'name of the link')
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nA board without a serial number is known by the place where it is plugged in. When another' +
        '\nkind of board comes there, its settings are held back until somebody confirms it.' +
        '\nExample:\n  siot-mcu confirm boards-0000:00:14.0-usb2-1',
    )
    .action(async (link: string, options: ConfigOption) =>
      (await import('../actions/confirm.js')).confirm(link, options),
    );
}
