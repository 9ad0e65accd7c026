import { Command } from 'commander';
import { readConfigFile } from '../config-file.js';
import { configOption, type ConfigOption } from '../options.js';
import { linuxCan } from '../../transport/can-machine.js';
import { complain, printLine } from '../streams.js';

export function checkCommand(): Command {
  return new Command('check')
    .description('Read the configuration and say all that is wrong with it.')
    .addOption(configOption())
    .addHelpText('after', '\nExample:\n  siot-mcu check -c /etc/siot-mcu/gateway.yaml')
    .action(({ config: file }: ConfigOption) => {
      const { links } = readConfigFile(file, process.env);
      printLine(`${file}: good, ${links.length} ${links.length === 1 ? 'link' : 'links'}`);
      // Not wrong: the interface may be there later, or on another machine.
      for (const { name, transport } of links) {
        if (transport.type !== 'can' && transport.type !== 'can-signals') continue;
        const advice = linuxCan.advice(transport.interface, transport.fd);
        if (advice !== undefined) complain(`${name}: at present ${advice}`);
      }
    });
}
