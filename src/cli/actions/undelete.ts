/** `siot-mcu undelete`. */
import type { NodeParent, UndeleteRequest } from '../../gateway/control/control.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_WRONG } from '../errors.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import { harmless } from '../harmless.js';
import type { ConfigOption } from '../options.js';
import { complain, printLine } from '../streams.js';

export interface UndeleteOptions extends ConfigOption {
  readonly gateway?: boolean;
}

export async function undelete(
  link: string | undefined,
  { config, gateway }: UndeleteOptions,
): Promise<void> {
  const request = requestOf(link, gateway === true);
  const client = new GatewayClient(readConfigFile(config, process.env));
  await client.connect();
  try {
    if (link !== undefined) findLink((await client.status()).links, link);
    const reply = await client.undelete(request);
    if (reply.state === 'refused') throw new CliError(harmless(reply.reason));
    if (reply.state === 'unconfirmed') {
      throw new CliError(
        harmless(`unconfirmed: ${reply.reason}; siot-mcu watch says whether the node is deleted`),
      );
    }
    const whose = link ?? 'the gateway';
    const below = reply.parents.map(nameOf).join(' and below ');
    printLine(harmless(`the node of ${whose} lives again, below ${below}`));
    for (const parent of reply.parents) {
      if (parent.hidden === undefined) continue;
      complain(harmless(`below ${nameOf(parent)} it is not seen: ${parent.hidden}`));
    }
  } finally {
    await client.close();
  }
}

function requestOf(link: string | undefined, gateway: boolean): UndeleteRequest {
  if (link !== undefined && gateway) {
    throw new CliError('name a link or say --gateway, not both', EXIT_WRONG);
  }
  if (gateway) return { gateway: true };
  if (link !== undefined) return { link };
  throw new CliError(
    'which node? Name its link, or say --gateway for the gateway’s own',
    EXIT_WRONG,
  );
}

const nameOf = ({ description, nodeId }: NodeParent): string =>
  description === '' ? `node ${nodeId}` : JSON.stringify(description);
