/** `siot-mcu watch`. */
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_WRONG } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { GatewayWatch } from '../gateway-watch.js';
import { watchHighRate } from '../high-rate/watch-high-rate.js';
import { watchRaw, type RawOptions } from '../raw/watch-raw.js';
import { endOnInterrupt } from '../interrupt.js';
import { isTerminal } from '../screen.js';
import { jsonLine, textLine } from '../watch-lines.js';
import { LineOutput, ScreenOutput } from '../watch-output.js';

export interface WatchOptions extends RawOptions {
  readonly raw?: true;
  readonly highRate?: true;
}

export async function watch(link: string | undefined, options: WatchOptions): Promise<void> {
  if (options.raw || !options.hex) await showRaw(link, options);
  if (options.highRate) {
    await showHighRate(link, options);
    return;
  }
  const client = new GatewayClient(readConfigFile(options.config, process.env));
  await client.connect();
  const output =
    !options.json && isTerminal(process.stdout, process.env)
      ? new ScreenOutput(link)
      : new LineOutput(options.json ? jsonLine : textLine);
  const stop = (): void => {
    output.end();
    void client.close().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await new GatewayWatch(client, link, output).run();
  } finally {
    output.end();
    await client.close();
  }
}

async function showHighRate(link: string | undefined, options: WatchOptions): Promise<void> {
  if (link === undefined) {
    const example = 'siot-mcu watch LINK --high-rate';
    throw new CliError(`--high-rate needs the name of a link: ${example}`, EXIT_WRONG);
  }
  await watchHighRate(link, options);
}

async function showRaw(link: string | undefined, options: WatchOptions): Promise<never> {
  if (!options.raw) throw new CliError('--no-hex is for --raw', EXIT_WRONG);
  if (link === undefined) {
    throw new CliError('--raw needs the name of a link: siot-mcu watch LINK --raw', EXIT_WRONG);
  }
  endOnInterrupt();
  return watchRaw(link, options);
}
