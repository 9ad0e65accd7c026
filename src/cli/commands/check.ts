import { Command } from 'commander';
import { readConfig } from '../config-file.js';
import { configFileOf } from '../config-places.js';
import { configWarnings } from '../config-warnings.js';
import { sayWarnings } from '../database-file.js';
import { configOption, eitherOf, type ConfigOption } from '../options.js';
import { complain, printLine } from '../streams.js';

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
    .action(async (named: string | undefined, { config }: ConfigOption) => {
      const file = configFileOf(eitherOf('files', named, config));
      const read = readConfig(file, process.env);
      const { warnings, databases } = await configWarnings(read);
      for (const { path, message } of warnings) complain(read.problem(path, `warning: ${message}`));
      for (const { file: name, database } of databases) sayWarnings(name, database);
      const odd = databases.flatMap(({ database }) => database.warnings).length;
      const { links } = read.config;
      const count = warnings.length + odd;
      printLine(
        `${file}: good, ${counted(links.length, 'link')}` +
          (count === 0 ? '' : `, with ${counted(count, 'warning')}`),
      );
    });
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;
