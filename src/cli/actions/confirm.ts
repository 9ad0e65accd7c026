/** `siot-mcu confirm`. */
import { readConfigFile } from '../config-file.js';
import { CliError } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import type { ConfigOption } from '../options.js';
import { printLine } from '../streams.js';

export async function confirm(link: string, { config }: ConfigOption): Promise<void> {
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
}
