import type { OutboxLane } from '../../outbox/outbox.js';
import { NS_PER_S, type Clock } from '../../point/clock.js';
import type { Point } from '../../point/point.js';
import type { Replica } from '../../session/node/replica.js';

/**
 * Tells a new replica which times points of before have, so that none falls
 * behind them should the clock have been stepped back since.
 */
export function tellTimes(lane: OutboxLane, replica: Replica, clock: Clock): void {
  const { latestNs } = lane;
  if (latestNs <= clock.wallNs() + NS_PER_S) replica.allGivenBefore(latestNs);
  // A clock that was years ahead for a moment is to hold only what it has dated:
  // each point behind its own times, and no others. It is worth reading them all.
  else replica.givenBefore(pointsOf(lane));
}

function* pointsOf(lane: OutboxLane): Generator<Point> {
  for (let at = lane.first; at < lane.next; at++) {
    const point = lane.read(at);
    if (point !== undefined) yield point;
  }
}
