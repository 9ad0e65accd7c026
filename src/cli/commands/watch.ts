import { Command, Option } from 'commander';
import type { WatchOptions } from '../actions/watch.js';
import { configOption, jsonOption } from '../options.js';

export function watchCommand(): Command {
  return new Command('watch')
    .description(
      'Show links, their points live, and settings still pending with the reason: a view that is ' +
        'redrawn on a terminal, lines in a pipe.',
    )
    .argument('[link]', 'name of the only link to show')
    .addOption(configOption())
    .addOption(jsonOption('a line of JSON for each point, pending setting and change of a link'))
    .addOption(new Option('--raw', 'what crosses the link, both ways, in hex and decoded'))
    .addOption(new Option('--no-hex', 'with --raw: without the bytes'))
    .addOption(
      new Option(
        '--high-rate',
        'high-rate channels of LINK each second: samples/s, least, greatest, gaps',
      ).conflicts('raw'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  siot-mcu watch\n  siot-mcu watch pump | tee pump.log' +
        '\n  siot-mcu watch pump --json | jq -r \'select(.kind == "point") | .value\'' +
        '\n  siot-mcu watch pump --raw\n  siot-mcu watch pump --high-rate',
    )
    .action(async (link: string | undefined, options: WatchOptions) =>
      (await import('../actions/watch.js')).watch(link, options),
    );
}
