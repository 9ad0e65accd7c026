import { Command } from 'commander';
import { readConfigFile } from '../config-file.js';
import { configOption, type ConfigOption } from '../options.js';
import { printLine } from '../streams.js';

export function checkCommand(): Command {
  return new Command('check')
    .description('Read the configuration and say all that is wrong with it.')
    .addOption(configOption())
    .addHelpText('after', '\nExample:\n  siot-mcu check -c /etc/siot-mcu/gateway.yaml')
    .action(({ config: file }: ConfigOption) => {
      const { links } = readConfigFile(file, process.env);
      printLine(`${file}: good, ${links.length} ${links.length === 1 ? 'link' : 'links'}`);
    });
}
