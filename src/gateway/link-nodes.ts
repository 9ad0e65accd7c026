/** Whose a node is, by the configuration. */
import { nodeIdOf, type LinkConfig } from './config/config.js';

/** A configuration with which no gateway can run; the message is for people. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
}

/** Two links that speak as one node would overwrite each other. Throws a {@link GatewayError}. */
export function refuseSharedNodes(links: readonly LinkConfig[], gatewayId: string): void {
  const names = new Map<string, string>([[gatewayId, 'the gateway itself']]);
  for (const link of links) {
    const nodeId = nodeIdOf(link, gatewayId);
    const other = names.get(nodeId);
    if (other !== undefined) {
      throw new GatewayError(
        `link ${JSON.stringify(link.name)} has the node ID ${nodeId}, which is that of ` +
          `${other}: give it another node.id`,
      );
    }
    names.set(nodeId, `link ${JSON.stringify(link.name)}`);
  }
}

/** For people. The nodes of USB boards and of removed links are called by their IDs. */
export function nameOfNode(
  links: readonly LinkConfig[],
  gatewayId: string,
  nodeId: string,
): string {
  const link = links.find((one) => nodeIdOf(one, gatewayId) === nodeId);
  return link === undefined ? `node ${nodeId}` : `link ${link.name}`;
}
