/** A person asks for a deleted node to live again: what SIOT says becomes an answer for people. */
import type { NamedNode, Undeleted } from '../../siot/siot.js';
import { undeleteCommand } from '../../siot/siot.js';
import type { NodeParent, UndeleteReply, UndeleteRequest } from './control.js';
import type { ControlledGateway } from './controlled.js';
import { linkNamed } from './setting-request.js';

/** The node that is asked for, or the answer if there is none. */
export function nodeToUndelete(
  request: UndeleteRequest,
  { identity, links }: ControlledGateway,
): { readonly nodeId: string } | UndeleteReply {
  if ('gateway' in request) return { nodeId: identity.id };
  return linkNamed(request.link, links);
}

/** @param gatewayId ID of the gateway's node */
export function undeleteReply(
  result: Undeleted,
  request: UndeleteRequest,
  gatewayId: string,
): UndeleteReply {
  const whose = 'gateway' in request ? 'the gateway' : `link ${JSON.stringify(request.link)}`;
  switch (result.state) {
    case 'undeleted':
      return {
        state: 'undeleted',
        parents: result.parents.map(({ id, description, hiddenBy }): NodeParent => {
          const parent = { nodeId: id, description };
          return hiddenBy === undefined
            ? parent
            : { ...parent, hidden: hiddenReason(hiddenBy, gatewayId) };
        }),
      };
    case 'alive': {
      const { hiddenBy } = result;
      const seen = hiddenBy === undefined ? '' : `, but ${hiddenReason(hiddenBy, gatewayId)}`;
      return { state: 'refused', reason: `the node of ${whose} is not deleted${seen}` };
    }
    case 'absent':
      return {
        state: 'refused',
        reason: `SIOT has no node of ${whose}: there is none to undelete`,
      };
    case 'failed':
      return { state: result.maybe ? 'unconfirmed' : 'refused', reason: result.why };
  }
}

function hiddenReason(node: NamedNode, gatewayId: string): string {
  if (node.id === gatewayId) {
    return `the node of the gateway above it is deleted: ${undeleteCommand()}`;
  }
  const named = node.description === '' ? '' : ` (${JSON.stringify(node.description)})`;
  return `the node ${node.id}${named} above it is deleted, so that SIOT does not show it`;
}
