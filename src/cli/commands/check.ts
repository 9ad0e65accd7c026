import { Command } from 'commander';
import { signalWarnings } from '../../gateway/config/signal-checks.js';
import type { LinkConfig } from '../../gateway/config/config.js';
import type { Database } from '../../signals/database.js';
import { readDatabase } from '../../signals/formats.js';
import { linuxCan } from '../../transport/can/machine.js';
import { readConfigFile } from '../config-file.js';
import { configFileOf } from '../config-places.js';
import { sayWarnings } from '../database-file.js';
import { configOption, eitherOf, type ConfigOption } from '../options.js';
import { complain, printLine } from '../streams.js';

export function checkCommand(): Command {
  return new Command('check')
    .description('Read the configuration and say all that is wrong with it.')
    .argument('[file]', 'the same as -c')
    .addOption(configOption())
    .addHelpText('after', '\nExample:\n  siot-mcu check -c /etc/siot-mcu/gateway.yaml')
    .action((named: string | undefined, { config }: ConfigOption) => {
      const file = configFileOf(eitherOf('files', named, config));
      const { links } = readConfigFile(file, process.env);
      printLine(`${file}: good, ${links.length} ${links.length === 1 ? 'link' : 'links'}`);
      sayOddities(links);
      // A missing interface is not an error: it may exist later, or on another machine.
      for (const { name, transport } of links) {
        if (transport.type !== 'can' && transport.type !== 'can-signals') continue;
        const advice = linuxCan.advice(transport.interface, transport.fd);
        if (advice !== undefined) complain(`${name}: at present ${advice}`);
      }
    });
}

/** Prints warnings about what is allowed but may be a mistake. A database that several links use is read once. */
function sayOddities(links: readonly LinkConfig[]): void {
  const read = new Map<string, Database>();
  for (const { name, transport } of links) {
    if (transport.type !== 'can-signals') continue;
    const { database: file, bus, content } = transport;
    const source = `${bus ?? ''} ${file}`;
    let database = read.get(source);
    if (database === undefined) {
      database = readDatabase(Buffer.from(content, 'base64'), bus);
      read.set(source, database);
      sayWarnings(file, database);
    }
    for (const warning of signalWarnings(transport, database)) {
      complain(`${name}: warning: ${warning}`);
    }
  }
}
