import type { Timer } from '../../point/clock.js';
import type { Point } from '../../point/point.js';
import type { StoreClient } from './store-client.js';

export type NodeLife = 'alive' | 'deleted' | 'unknown';

export interface NodeSpec {
  /** One subject token. */
  readonly id: string;
  readonly type: string;
  /** Written when the node is made, and not again. */
  readonly description: string;
}

export interface NodeEvents {
  /**
   * All points of the node as the store has it: at start, after each reconnection, when
   * SIOT or the node comes back. `everything`: the newest of each point has to be
   * published once more, not only what the node lacks.
   */
  read(points: readonly Point[], everything: boolean): void;
  lifeChanged(life: NodeLife): void;
}

/** What the keeper of nodes knows of one. */
export interface KeptNode {
  readonly spec: NodeSpec;
  readonly events: NodeEvents;
  life: NodeLife;
  /** Not read yet since the store answers. */
  unread: boolean;
  owesResend: boolean;
  /** Why it could not be read the last time, for people; blank: it could. */
  unreadable: string;
  failures: number;
  retry: Timer | undefined;
  /** Publishes its points, also if it cannot be read by then. */
  holdTimer: Timer | undefined;
  recheck: Timer[];
  /** The store that is being looked into: one look at a time; another is wanted when it ends. */
  looking: StoreClient | undefined;
  lookAgain: boolean;
}

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

/** Another look into that store. */
export const isWanted = ({ looking, lookAgain }: KeptNode, store: StoreClient): boolean =>
  looking === store && lookAgain;

/**
 * Why links have no nodes, or what was set in SIOT does not come, for people;
 * blank: all is well.
 *
 * @param missingParent ID of `siot.parent`, if that is not there
 */
export function nodesProblem(
  gateway: KeptNode,
  all: readonly KeptNode[],
  missingParent: string | undefined,
): string {
  if (gateway.life === 'deleted') {
    return (
      'somebody deleted the node of this gateway in SIOT: ' +
      'links without a node get none until it is undeleted there'
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
    `the node ${one.spec.id}${more} cannot be read: ${one.unreadable}: ` +
    'what was set in SIOT while the gateway could not hear it waits there until it can'
  );
}
