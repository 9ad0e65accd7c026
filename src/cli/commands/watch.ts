import { Command } from 'commander';
import { readConfigFile } from '../config-file.js';
import { GatewayClient } from '../gateway-client.js';
import { GatewayWatch } from '../gateway-watch.js';
import { configOption, jsonOption, type ConfigOption, type JsonOption } from '../options.js';
import { printLine } from '../streams.js';
import { jsonLine, textLine } from '../watch-lines.js';

type WatchOptions = ConfigOption & JsonOption;

export function watchCommand(): Command {
  return new Command('watch')
    .description('Show points live from NATS, and settings still pending with the reason.')
    .argument('[link]', 'name of the only link to show')
    .addOption(configOption())
    .addOption(jsonOption('a line of JSON for each point, pending setting and change of a link'))
    .addHelpText(
      'after',
      '\nExample:\n  siot-mcu watch pump --json | jq -r \'select(.kind == "point") | .value\'',
    )
    .action(async (link: string | undefined, options: WatchOptions) => {
      const client = new GatewayClient(readConfigFile(options.config, process.env));
      await client.connect();
      const line = options.json ? jsonLine : textLine;
      const watch = new GatewayWatch(client, link, (event) => printLine(line(event)));
      const stop = (): void => void client.close().then(() => process.exit(0));
      process.on('SIGINT', stop);
      process.on('SIGTERM', stop);
      try {
        await watch.run();
      } finally {
        await client.close();
      }
    });
}
