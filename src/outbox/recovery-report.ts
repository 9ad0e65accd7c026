import { NS_PER_MS } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { PointsHead } from './block.js';
import type { Loss } from './losses.js';

/** A time for people: to the second, UTC. */
const timeText = (ns: bigint): string =>
  new Date(Number(ns / NS_PER_MS)).toISOString().replace(/\.\d+Z$/, 'Z');

interface Torn {
  readonly file: string;
  readonly bytes: number;
  /** Whether no whole block comes after these bytes. */
  readonly isEnd: boolean;
  /** When the file was last written to, ns. */
  readonly writtenNs: bigint;
  /** The head of the first block in these bytes; it may be damaged too. */
  readonly head: PointsHead | undefined;
}

/** Logs damage of files of earlier runs, and which points are lost by it. */
export class RecoveryReport {
  #damaged = 0;
  /** Texts about losses, by node. */
  readonly #ofNode = new Map<string, string>();
  /** Text about losses whose node is not known. */
  #ofAny: string | undefined;

  constructor(
    private readonly log: Log,
    private readonly path: string,
    /** Name of the link of a node, for people. */
    private readonly nameOf: (nodeId: string) => string,
  ) {}

  damaged(file: string, offset: number, bytes: number): void {
    this.#damaged += 1;
    this.log.error(
      { file, offset, bytes },
      `${bytes} byte(s) of ${file} in the outbox are damaged and passed over: check the disk`,
    );
  }

  /** Reports bytes that are not a whole block: a crash has left them, or they were damaged later. */
  torn({ file, bytes, isEnd, writtenNs, head }: Torn): void {
    const what =
      head === undefined
        ? 'points'
        : `${head.count} point(s) of ${this.nameOf(head.nodeId)}, as they say, or more`;
    const where = isEnd ? `the last ${bytes} byte(s) of ${file}` : `${bytes} byte(s) of ${file}`;
    this.log.warn(
      { file, bytes },
      `${where} in the outbox are no whole block and are ${isEnd ? 'cut off' : 'passed over'}: ` +
        'torn, as a crash leaves them, and then no device was acknowledged for them, or damaged; ' +
        `if neither the gateway nor the machine was stopped hard about ${timeText(writtenNs)}, ` +
        `${what} may be lost, and the disk is to be checked`,
    );
  }

  lost(losses: readonly Loss[]): void {
    for (const loss of losses) {
      const { nodeId, points } = loss;
      const text = this.#text(loss);
      const fields = nodeId === undefined ? {} : { nodeId, lost: points };
      this.log.error({ ...fields, path: this.path }, text);
      if (nodeId === undefined) this.#ofAny = text;
      else this.#ofNode.set(nodeId, text);
    }
    if (losses.length > 0 || this.#damaged === 0) return;
    this.log.info(
      { path: this.path },
      'nothing that still waited was in what is damaged of the outbox',
    );
  }

  /** Texts about losses of a node, shown until the next start. */
  adviceFor(nodeId: string): string[] {
    return [this.#ofNode.get(nodeId), this.#ofAny].filter((text) => text !== undefined);
  }

  #text({ nodeId, points, fromNs, toNs }: Loss): string {
    const to = timeText(toNs);
    const when =
      fromNs === undefined ? `up to ${to}` : `from between ${timeText(fromNs)} and ${to}`;
    if (nodeId === undefined) {
      return (
        `points may be lost that were acknowledged and waited in the outbox, ${when}: how many, ` +
        `and of which links, is not known; check the disk of ${this.path}`
      );
    }
    return (
      `at least ${points} point(s) of ${this.nameOf(nodeId)} are lost that were acknowledged and ` +
      `waited in the outbox, ${when}: files in ${this.path} are damaged, shorter or gone; check ` +
      'the disk, and what else deletes files there'
    );
  }
}
