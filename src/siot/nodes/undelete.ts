/**
 * Undoes the deletion of a node: SIOT's page has no way to do that. A node is deleted
 * when all its edges are; it lives again when one of them does (docs/siot.md, 4.9).
 */
import { commandWord } from '../../point/command-word.js';
import { textOf } from '../../point/point.js';
import { tokenProblem } from '../../point/token.js';
import { edgeTombstone, isDeletedEdge, type StoredNode } from './node-reply.js';
import type { StoreClient } from './store-client.js';

/** A node in SIOT, for people. */
export interface NamedNode {
  readonly id: string;
  /** Its description; blank: it has none, or is not there. */
  readonly description: string;
}

/** A parent below which the node lives again. */
export interface UndeletedParent extends NamedNode {
  /** The node above it, or the parent itself, that is deleted: the node is not seen below it. */
  readonly hiddenBy?: NamedNode;
}

/** What became of an attempt to undelete a node. */
export type Undeleted =
  | { readonly state: 'undeleted'; readonly parents: readonly UndeletedParent[] }
  /** It is not deleted. `hiddenBy`: a node above it is, so that it is not seen. */
  | { readonly state: 'alive'; readonly hiddenBy?: NamedNode }
  /** SIOT has no such node. */
  | { readonly state: 'absent' }
  /** SIOT did not take it, with the reason for people. `maybe`: it may have. */
  | { readonly state: 'failed'; readonly why: string; readonly maybe: boolean };

/** The command with which a person undeletes the node of a link, or the gateway's own, for messages. */
export function undeleteCommand(link?: string): string {
  if (link === undefined) return 'siot-mcu undelete --gateway';
  return `siot-mcu undelete ${commandWord(link)}`;
}

/**
 * Edges deleted within this time belong to one deletion: SIOT's page deletes the edges of
 * a mirrored node one by one. An edge that was deleted earlier is one from which somebody
 * has moved the node away.
 */
const ONE_DELETION_NS = 600_000_000_000n;

/** Most nodes that are read to find out whether a node is seen from the root. */
const MOST_ABOVE = 40;

/**
 * Makes the edges of a deleted node live again. Nothing is written if one of them lives:
 * then the node was moved, not deleted.
 */
export async function undelete(store: StoreClient, nodeId: string): Promise<Undeleted> {
  const answer = await store.edges(nodeId);
  if (!answer.ok) return { state: 'failed', why: answer.why, maybe: false };
  const { edges } = answer;
  if (edges.length === 0) return { state: 'absent' };
  const above = new NodesAbove(store);
  const live = edges.filter((edge) => !isDeletedEdge(edge));
  if (live.length > 0) {
    const hidden = await above.hiddenBy(live.map(({ parent }) => parent));
    return { state: 'alive', ...(hidden === undefined ? {} : { hiddenBy: hidden }) };
  }
  const parents: UndeletedParent[] = [];
  let problem: { readonly why: string; readonly maybe: boolean } | undefined;
  for (const edge of lastDeleted(edges)) {
    const unwritten = await store.reviveEdge(edge);
    if (unwritten !== undefined) problem = unwritten;
    else parents.push(await above.parent(edge.parent));
  }
  if (parents.length > 0) return { state: 'undeleted', parents };
  const why = problem?.why ?? 'SIOT names no node below which it was';
  return { state: 'failed', why, maybe: problem?.maybe ?? false };
}

/** The edges that ended the node's life, without those from which it had been moved away before. */
function lastDeleted(edges: readonly StoredNode[]): StoredNode[] {
  // A node below `root` would take the place of SIOT's root node.
  const usable = edges.filter(({ parent }) => parent !== 'root' && !tokenProblem(parent));
  const lastNs = usable.reduce((last, edge) => {
    const time = deletionTime(edge);
    return time > last ? time : last;
  }, 0n);
  return usable.filter((edge) => deletionTime(edge) >= lastNs - ONE_DELETION_NS);
}

const deletionTime = (edge: StoredNode): bigint => edgeTombstone(edge)?.time ?? 0n;

/** Reads the nodes above a node, each once. */
class NodesAbove {
  readonly #known = new Map<string, Promise<readonly StoredNode[] | undefined>>();

  constructor(private readonly store: StoreClient) {}

  async parent(id: string): Promise<UndeletedParent> {
    const named = await this.#named(id);
    const hidden = await this.hiddenBy([id]);
    return { ...named, ...(hidden === undefined ? {} : { hiddenBy: hidden }) };
  }

  /**
   * The deleted node for which nothing below these parents is seen from the root;
   * `undefined`: it is seen below one of them, or that cannot be found out.
   */
  async hiddenBy(parents: readonly string[]): Promise<NamedNode | undefined> {
    const seen = new Set(parents);
    let first: string | undefined;
    for (const id of seen) {
      const edges = await this.#edges(id);
      if (edges === undefined) return undefined;
      const live = edges.filter((edge) => !isDeletedEdge(edge));
      if (live.length === 0) first ??= id;
      for (const { parent } of live) {
        if (parent === 'root' || parent === 'none' || parent === '') return undefined;
        seen.add(parent);
      }
    }
    return first === undefined ? undefined : this.#named(first);
  }

  async #named(id: string): Promise<NamedNode> {
    const points = (await this.#edges(id))?.[0]?.points ?? [];
    const description = points.find(({ type }) => type === 'description');
    return { id, description: description === undefined ? '' : textOf(description.value) };
  }

  /** `undefined`: they could not be read. */
  #edges(id: string): Promise<readonly StoredNode[] | undefined> {
    let edges = this.#known.get(id);
    if (edges === undefined) {
      if (this.#known.size >= MOST_ABOVE) return Promise.resolve(undefined);
      edges = this.store.edges(id).then((answer) => (answer.ok ? answer.edges : undefined));
      this.#known.set(id, edges);
    }
    return edges;
  }
}
