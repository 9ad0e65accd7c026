/** Hears the high-rate samples of a link from NATS. */
import { readConfigFile } from '../config-file.js';
import { GatewayClient } from '../gateway-client.js';
import { findLink } from '../links.js';
import { complain } from '../streams.js';

/** A link whose samples are heard. */
export interface HeardLink {
  readonly name: string;
  /** Ends the connection. */
  close(): Promise<void>;
}

/**
 * Calls `heard` with the payload of each high-rate packet of a link, whatever node it goes
 * to, on each connection to NATS. Throws a `CliError` if the gateway does not answer or
 * has no such link.
 */
export async function hearLink(
  config: string | undefined,
  link: string,
  heard: (payload: Uint8Array) => void,
): Promise<HeardLink> {
  const client = new GatewayClient(readConfigFile(config, process.env));
  await client.connect();
  try {
    const { nodeId, name } = findLink((await client.status()).links, link);
    client.subscribe(`phrup.*.${nodeId}`, ({ data }) => heard(data));
    let isUp = true;
    client.onState(() => {
      if (client.connected === isUp) return;
      isUp = client.connected;
      const lost = `the connection to NATS is lost: ${client.problem || 'trying again'}`;
      complain(isUp ? 'NATS is there again' : lost);
    });
    return { name, close: () => client.close() };
  } catch (error) {
    await client.close();
    throw error;
  }
}
