/** This gateway beside another program, by the figures of one run. */
import { arrivedShare } from './goals.js';
import type { LatencyFigures, LoadFigures, TargetFigures } from './loads.js';
import type { BenchFigures } from './measure.js';
import { FIRST_ACK, QUIET, SETTINGS, latencyName } from './plan.js';

/** One figure of both. */
export interface PeerRow {
  readonly name: string;
  /** With its unit. */
  readonly what: string;
  readonly gateway: number;
  /** Null: it cannot do this. */
  readonly against: number | null;
}

const OF_LOADS: readonly [what: string, of: (figures: TargetFigures) => number][] = [
  ['points/s', ({ pointsPerSecond }) => pointsPerSecond],
  ['CPU, µs/packet', ({ cpuUsPerPacket }) => cpuUsPerPacket],
  ['p50, ms', ({ roundTripP50Ms }) => roundTripP50Ms],
  ['p99, ms', ({ roundTripP99Ms }) => roundTripP99Ms],
  ['disk, B/point', ({ diskBytesPerPoint }) => diskBytesPerPoint],
  ['lost', ({ lostPackets, lostPoints }) => lostPackets + lostPoints],
  ['MB', ({ rssMb }) => rssMb],
];

const OF_LATENCIES: readonly [what: string, of: (figures: LatencyFigures) => number][] = [
  ['up p50, ms', ({ upP50Ms }) => upP50Ms],
  ['up p99, ms', ({ upP99Ms }) => upP99Ms],
  ['down p50, ms', ({ downP50Ms }) => downP50Ms],
  ['down p99, ms', ({ downP99Ms }) => downP99Ms],
];

/** All cases in which another program was measured; none without one. */
export function besideProgram(figures: BenchFigures): PeerRow[] {
  const { loads, latencies, fair, settings, usb, start } = figures;
  const rows: PeerRow[] = [];
  const add = <T>(
    name: string,
    measures: readonly [what: string, of: (figures: T) => number][],
    gateway: T,
    against: T | null | undefined,
  ): void => {
    if (against === undefined) return;
    for (const [what, of] of measures) {
      rows.push({
        name,
        what,
        gateway: of(gateway),
        against: against === null ? null : finite(of(against)),
      });
    }
  };
  const addLoad = (load: LoadFigures): void => add(load.name, OF_LOADS, load.gateway, load.against);
  loads.forEach(addLoad);
  for (const { links, gateway, against } of latencies) {
    add(latencyName(links), OF_LATENCIES, gateway, against);
  }
  if (fair.load !== undefined) addLoad(fair.load);
  if (fair.quiet !== undefined) {
    add(
      QUIET,
      [['p50 to its idle value', ({ ratio }) => ratio]],
      fair.quiet.gateway,
      fair.quiet.against,
    );
  }
  if (settings !== undefined) {
    add(
      SETTINGS,
      [
        ['settings/s', ({ perSecond }) => perSecond],
        ['p99 at 100/s, ms', ({ p99Ms }) => p99Ms],
      ],
      settings.gateway,
      settings.against,
    );
  }
  if (usb !== undefined) {
    const { load } = usb;
    add(
      load.name,
      [
        ['share that arrives', (of: TargetFigures) => arrivedShare(load, of)],
        ['CPU, cores', ({ cpuShare }) => cpuShare],
      ],
      load.gateway,
      load.against,
    );
  }
  if (start.firstAck !== undefined) {
    const { gatewayMs, againstMs } = start.firstAck;
    add(FIRST_ACK, [['ms', (ms: number) => ms]], gatewayMs, againstMs);
  }
  return rows;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
