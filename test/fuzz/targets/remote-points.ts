import { compactPoints } from '../../../firmware-sim/compact.js';
import { RemotePointRouter } from '../../../src/gateway/link/remote-point-router.js';
import { decodeCompact } from '../../../src/packet/compact.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { isNeverSentDown } from '../../../src/point/reserved.js';
import type { Point } from '../../../src/point/point.js';
import { SessionHarness, ackAll } from '../../support/session-harness.js';
import { natsPayloads, choice, somePoints } from '../inputs.js';
import { mustBeLoadable } from '../kept.js';
import { must, type FuzzTarget } from '../target.js';

/** Points that others publish on a link's node, on their way to its device. */
export const remotePointsTarget: FuzzTarget = {
  name: 'remote-points',
  files: [
    'src/gateway/link/remote-point-router.ts',
    'src/session/settings/record.ts',
    'src/session/settings/setting.ts',
    'src/session/settings/settings.ts',
    'src/session/settings/states.ts',
    'src/session/settings/transitions.ts',
    'src/session/settings/reconciler.ts',
  ],
  maxLength: 1_000,
  words: [
    'disabled',
    'rxReset',
    'connected',
    'description',
    'user-1',
    'node-1',
    Uint8Array.of(1, 0, 0, 0),
  ],
  corpus: () => natsPayloads('gen2'),
  generate: (random) =>
    compactPoints.encode(
      somePoints(random, 6).map((point) => ({
        ...point,
        type: random.chance(0.3) ? choice(random, ['disabled', 'txReset', 'restart']) : point.type,
        origin: random.chance(0.8) ? 'user-1' : point.origin,
      })),
    ),
  check: (input) => {
    const points = decodeCompact(input)?.points ?? [];
    const harness = SessionHarness.talking({ acks: ackAll, commands: ['restart'] });
    const { settings, replica, counters } = harness.session.state;
    const router = new RemotePointRouter(
      {
        nodeId: 'node-1',
        session: {
          set: (point: Point, heard) => {
            must(!isNeverSentDown(point.type), `to be sent down: ${point.type}`);
            must(point.origin !== '' && point.origin !== 'node-1', 'its own, to be sent down');
            return harness.session.settings.set(point, heard);
          },
        },
        settings,
        replica,
        counters,
        host: {
          show: () => undefined,
          disable: () => undefined,
          reset: () => undefined,
          downloadAsked: () => undefined,
          described: () => undefined,
        },
        clock: harness.clock,
        log: SILENT_LOG,
      },
      {},
    );
    router.reading(points.slice(0, points.length / 2));
    router.live(points);
    harness.advance(20_000);
    const kept = { session: harness.record(), judge: router.record() };
    harness.close();
    mustBeLoadable(kept);
  },
};
