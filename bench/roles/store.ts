/** An outbox of its own, filled and opened: each in a process that has done nothing else. */
import { MACHINE_DISK } from '../../src/gateway/state/disk.js';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { MachineFolder } from '../../src/outbox/machine-folder.js';
import { SystemClock } from '../../src/point/clock.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import { nowUs, serve } from './serve.js';

/** Arguments of `fill` and `open`. */
export interface OutboxArgs {
  readonly path: string;
  readonly maxBytes: number;
}

/** What the outbox holds; `ms`: how long it took to fill or to open it. */
export interface OutboxState {
  readonly ms: number;
  readonly points: number;
  readonly bytes: number;
}

const LANES = 16;
const PACKET = 10;
/** Packets of each lane that are written together. */
const ROUNDS = 200;

const open = ({ path, maxBytes }: OutboxArgs): Promise<DiskOutbox> =>
  DiskOutbox.open({
    folder: new MachineFolder(path, (folder) => MACHINE_DISK.makeFolder(folder)),
    maxBytes,
    clock: new SystemClock(),
    log: SILENT_LOG,
    reasonOf: String,
  });

function pointsOf(outbox: DiskOutbox): number {
  let points = 0;
  for (const lane of outbox.lanes()) points += lane.length;
  return points;
}

serve({
  /** As packets of devices, until none takes any more. */
  fill: async (args: OutboxArgs): Promise<OutboxState> => {
    const startUs = nowUs();
    const outbox = await open(args);
    const lanes = Array.from({ length: LANES }, (_, i) => outbox.lane(`bench-gatew-${String(i)}`));
    let time = 1_767_323_045_678_901_234n;
    const full = new Set<number>();
    for (let round = 1; full.size < LANES; round++) {
      for (const [i, lane] of lanes.entries()) {
        const packet = Array.from({ length: PACKET }, (_, key) =>
          makePoint({ type: 'value', key: String(key), value: floatValue(key), time: time++ }),
        );
        if (!lane.put(packet, () => undefined)) full.add(i);
      }
      if (round % ROUNDS === 0) await outbox.flush();
    }
    const state = { points: pointsOf(outbox), bytes: outbox.bytesOnDisk };
    await outbox.close();
    return { ...state, ms: (nowUs() - startUs) / 1000 };
  },

  open: async (args: OutboxArgs): Promise<OutboxState> => {
    const startUs = nowUs();
    const outbox = await open(args);
    const ms = (nowUs() - startUs) / 1000;
    const state = { points: pointsOf(outbox), bytes: outbox.bytesOnDisk, ms };
    await outbox.close();
    return state;
  },
});
