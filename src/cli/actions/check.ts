/** `siot-mcu check`. */
import { readConfig } from '../config-file.js';
import { configFileOf } from '../config-places.js';
import { configWarnings } from '../config-warnings.js';
import { sayWarnings } from '../database-file.js';
import { eitherOf, type ConfigOption } from '../options.js';
import { complain, printLine } from '../streams.js';

export async function check(named: string | undefined, { config }: ConfigOption): Promise<void> {
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
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;
