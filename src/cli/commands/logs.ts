import { Command, Option } from 'commander';
import type { LogsOptions } from '../actions/logs.js';
import { configOption, durationMs, jsonOption } from '../options.js';

export function logsCommand(): Command {
  return new Command('logs')
    .description('Show the log lines of a link’s device, which the gateway keeps.')
    .argument('<link>', 'name of the link')
    .addOption(configOption())
    .addOption(jsonOption('a line of JSON for each line, for programs'))
    .addOption(new Option('-f, --follow', 'go on with the lines that come, until Ctrl-C'))
    .addOption(
      new Option('--since <time>', 'only lines of so long ago, such as 30s, 10m, 2h, 1d').argParser(
        durationMs,
      ),
    )
    .addOption(
      new Option(
        '--level <level>',
        'only lines at least as bad; those without a level are left out',
      ).choices(['error', 'warn', 'info', 'debug']),
    )
    .addOption(
      new Option(
        '--restarts',
        'restarts of the device of which the gateway has kept something',
      ).conflicts(['follow', 'since', 'level']),
    )
    .addHelpText(
      'after',
      '\nTimes are those at which the gateway received a line. Levels are recognised as Zephyr, ESP-IDF and' +
        '\nsyslog write them; each line of a panic dump counts as an error. The gateway keeps log.keep lines of' +
        '\neach device in memory, and the last 200 over its own restarts.' +
        '\n\nWhen the device restarts, the lines and packets before that are written to a file on the gateway’s' +
        '\nmachine. --restarts says of each why the device is thought to have restarted, and names the file.' +
        '\n\nExamples:\n  siot-mcu logs pump -f --level warn\n  siot-mcu logs pump --since 10m > pump.log',
    )
    .action(async (link: string, options: LogsOptions) =>
      (await import('../actions/logs.js')).logs(link, options),
    );
}
