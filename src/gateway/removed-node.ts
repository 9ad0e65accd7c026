/**
 * Whether another gateway serves a node whose link has left this gateway's configuration:
 * a link with a `node.id` may have been moved, and a copied `stateDir` has the links of
 * two gateways. Such a node is not marked as removed.
 */
import { isTrue, type Point } from '../point/point.js';
import { REMOVED_TYPE } from './link/statistics.js';
import type { LastConnected } from './state/state-dir.js';

/** For so long nobody must write on a node that is still shown as connected, ms: devices may report rarely. */
export const SERVED_WITHIN_MS = 60_000;

/** Looks at what SIOT has of one node, again and again until it is known who serves it. */
export class RemovedNode {
  /** Newest time of the points that its gateway writes, at the first look. */
  #newest: bigint | undefined;
  #firstMs = 0;

  constructor(
    private readonly nodeId: string,
    private readonly own: LastConnected,
  ) {}

  /** `unknown`: look again within {@link SERVED_WITHIN_MS}. */
  servedBy(stored: readonly Point[], nowMs: number): 'nobody' | 'another' | 'unknown' {
    const points = stored.filter(({ origin }) => origin === '' || origin === this.nodeId);
    const connected = points.find(isNamed('connected'));
    if (connected === undefined || isMarked(points, connected)) return 'nobody';
    const isConnected = isTrue(connected.value);
    // A gateway that ends writes 0, which may be newer than a file that does not say when.
    const isOwn = connected.time <= this.own.ns || (!this.own.isExact && !isConnected);
    if (!isOwn) return 'another';
    if (!isConnected) return 'nobody';
    // This gateway may have crashed, or a copy of its stateDir is in use elsewhere.
    const newest = points.reduce((last, { time }) => (time > last ? time : last), 0n);
    if (this.#newest === undefined) {
      this.#newest = newest;
      this.#firstMs = nowMs;
    }
    if (newest > this.#newest) return 'another';
    return nowMs - this.#firstMs < SERVED_WITHIN_MS ? 'unknown' : 'nobody';
  }
}

const isNamed =
  (name: string) =>
  ({ type, key }: Point): boolean =>
    type === name && (key === '0' || key === '');

/** This gateway has marked it before a crash, and could not keep that. */
function isMarked(points: readonly Point[], connected: Point): boolean {
  const mark = points.find(isNamed(REMOVED_TYPE));
  return mark !== undefined && isTrue(mark.value) && mark.time >= connected.time;
}
