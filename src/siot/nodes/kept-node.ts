import type { Timer } from '../../point/clock.js';
import type { Point } from '../../point/point.js';
import type { StoreClient } from './store-client.js';
import { undeleteCommand } from './undelete.js';

/** Whether a node exists in SIOT; `unknown`: it could not be read, or could not be made. */
export type NodeLife = 'alive' | 'deleted' | 'unknown';

/** A node that SIOT should have. */
export interface NodeSpec {
  /** One subject token. */
  readonly id: string;
  readonly type: string;
  /** Written when the node is made, and never again. */
  readonly description: string;
  /** Name of its link; `undefined`: it is the gateway's own node. */
  readonly name?: string;
}

/** Whose a node is, for a log line: its link by name, where it has one, and its ID. */
export const whose = ({ id, name }: NodeSpec): object =>
  name === undefined ? { nodeId: id } : { link: name, nodeId: id };

/** A node as people know it. */
const nodeName = ({ id, name }: NodeSpec): string =>
  name === undefined ? `the node ${id}` : `the node of ${name} (${id})`;

/** What happens to a node. */
export interface NodeEvents {
  /**
   * All points of the node in the store were read: at start, after each reconnection, and
   * when SIOT or the node comes back. `everything`: the newest of each point has to be
   * published once more, and not only the points that the store lacks.
   */
  read(points: readonly Point[], everything: boolean): void;
  lifeChanged(life: NodeLife): void;
}

/** The state of one node in the node keeper. */
export interface KeptNode {
  readonly spec: NodeSpec;
  readonly events: NodeEvents;
  life: NodeLife;
  /** Whether its points have to be read. */
  unread: boolean;
  /** Whether the newest of each point has to be published once more after the next reading. */
  owesResend: boolean;
  /** Why the last reading failed, for people; blank: it did not fail. */
  unreadable: string;
  failures: number;
  retry: Timer | undefined;
  /** When it fires, the node's points are published even if the node could not be read. */
  holdTimer: Timer | undefined;
  recheck: Timer[];
  /** The store that is asked for the node now: one query at a time. `lookAgain`: another query follows. */
  looking: StoreClient | undefined;
  lookAgain: boolean;
}

/** A node of which nothing is known yet. */
export function keptNode(spec: NodeSpec, events: NodeEvents): KeptNode {
  return {
    spec,
    events,
    life: 'unknown',
    unread: true,
    owesResend: false,
    unreadable: '',
    failures: 0,
    retry: undefined,
    holdTimer: undefined,
    recheck: [],
    looking: undefined,
    lookAgain: false,
  };
}

/** Whether that store has to be asked once more. */
export const isWanted = ({ looking, lookAgain }: KeptNode, store: StoreClient): boolean =>
  looking === store && lookAgain;

/**
 * Why links have no nodes, or why settings made in SIOT do not arrive, for people;
 * blank: there is no problem.
 *
 * @param missingParent ID of `siot.parent`, if SIOT has no such node
 */
export function nodesProblem(
  gateway: KeptNode,
  all: readonly KeptNode[],
  missingParent: string | undefined,
): string {
  if (gateway.life === 'deleted') {
    return (
      'somebody deleted the node of this gateway in SIOT: ' +
      `links without a node get none until it lives again: ${undeleteCommand()}`
    );
  }
  if (missingParent !== undefined) {
    return `the node ${missingParent} of siot.parent is not there: no nodes are made until it is`;
  }
  const unreadable = all.filter((kept) => kept.unreadable !== '');
  const [one] = unreadable;
  if (one === undefined) return '';
  const more = unreadable.length > 1 ? ` (and ${String(unreadable.length - 1)} more)` : '';
  return (
    `${nodeName(one.spec)}${more} cannot be read: ${one.unreadable}: ` +
    'what was set in SIOT while the gateway could not hear it waits there until it can'
  );
}
