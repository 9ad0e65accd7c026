import { Command } from 'commander';
import { configOption, type ConfigOption } from '../options.js';

export function checkCommand(): Command {
  return new Command('check')
    .description('Read the configuration and say all that is wrong with it.')
    .argument('[file]', 'the same as -c')
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nWhat is allowed and may be a mistake is a warning on stderr: a port that is not there, a folder' +
        '\nthat this user cannot write. The exit status is 0 then, too.' +
        '\nExample:\n  siot-mcu check -c /etc/siot-mcu/gateway.yaml',
    )
    .action(async (named: string | undefined, options: ConfigOption) =>
      (await import('../actions/check.js')).check(named, options),
    );
}
