import { Command } from 'commander';
import { readConfigFile } from '../config-file.js';
import { CliError } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import { configOption, type ConfigOption } from '../options.js';
import { printLine } from '../streams.js';

export function confirmCommand(): Command {
  return new Command('confirm')
    .description('Say that the USB board that is plugged in now is the right one for a link.')
    .argument('<link>', 'name of the link')
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nA board without a serial number is known by the place where it is plugged in. When another' +
        '\nkind of board comes there, its settings are held back until somebody confirms it.' +
        '\nExample:\n  siot-mcu confirm boards-0000:00:14.0-usb2-1',
    )
    .action(async (link: string, { config }: ConfigOption) => {
      const client = new GatewayClient(readConfigFile(config, process.env));
      await client.connect();
      try {
        findLink((await client.status()).links, link);
        const reply = await client.confirm(link);
        if (reply.state === 'refused') throw new CliError(reply.reason);
        printLine(`${link} is confirmed: its settings are sent`);
      } finally {
        await client.close();
      }
    });
}
