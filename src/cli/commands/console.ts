import { Command, Option } from 'commander';
import type { ConsoleOptions } from '../actions/console.js';
import { configOption } from '../options.js';

export function consoleCommand(): Command {
  return new Command('console')
    .description(
      'Show what crosses a link, live, and set points by lines that are typed, while the gateway goes on.',
    )
    .argument('<link>', 'name of the link')
    .addOption(configOption())
    .addOption(new Option('--hex', 'with the bytes of each packet'))
    .addHelpText(
      'after',
      '\nA line is a setting: TYPE[/KEY] VALUE, as siot-mcu set takes it; a VALUE in double quotes is text.' +
        '\nIt goes through SIOT, and what becomes of it is told. Packets, points and log lines of the device are' +
        '\nshown as siot-mcu watch --raw shows them. Several people can look on.' +
        '\n\nCtrl-] ends it, and so do Ctrl-C and Ctrl-D. In a pipe it ends with its input, once it is known what' +
        '\nhas become of each line: 0 if all were acknowledged, else 1.' +
        '\n\nExamples:\n  siot-mcu console pump\n  echo "setpoint 4.2" | siot-mcu console pump',
    )
    .action(async (link: string, options: ConsoleOptions) =>
      (await import('../actions/console.js')).openConsole(link, options),
    );
}
