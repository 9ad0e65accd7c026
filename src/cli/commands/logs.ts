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
    .addHelpText(
      'after',
      '\nTimes are those at which the gateway received a line. Levels are recognised as Zephyr, ESP-IDF and' +
        '\nsyslog write them; each line of a panic dump counts as an error. The gateway keeps log.keep lines of' +
        '\neach device in memory, and the last 200 over its own restarts.' +
        '\n\nExamples:\n  siot-mcu logs pump -f --level warn\n  siot-mcu logs pump --since 10m > pump.log',
    )
    .action(async (link: string, options: LogsOptions) =>
      (await import('../actions/logs.js')).logs(link, options),
    );
}
