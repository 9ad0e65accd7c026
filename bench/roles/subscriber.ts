/** Who listens on NATS, and who changes settings there. */
import { connect } from '@nats-io/transport-node';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { mcuPoint } from '../../firmware-sim/points.js';
import { DOWN_TYPE, UP_TYPE } from '../frames.js';
import { nowUs, serve, sleep } from './serve.js';

/** Arguments of `settings`; `id`: of the link's node. */
export interface SettingsArgs {
  readonly id: string;
  readonly count: number;
  readonly everyMs: number;
}

const nats = await connect({ servers: process.argv[2] ?? '', noAsyncTraces: true });

let count = 0;
let arrivals: number[] | undefined;
let awaited: { readonly count: number; readonly done: () => void } | undefined;

nats.subscribe(`p.*.${UP_TYPE}.*`, {
  callback: () => {
    count += 1;
    arrivals?.push(nowUs());
    if (awaited !== undefined && count >= awaited.count) awaited.done();
  },
});
await nats.flush();

serve({
  count: (): number => count,

  /** The count once it has reached that, or when the time is over. */
  reach: async (args: { count: number; withinMs: number }): Promise<number> => {
    if (count < args.count) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, args.withinMs);
        awaited = {
          count: args.count,
          done: () => {
            clearTimeout(timer);
            resolve();
          },
        };
      });
      awaited = undefined;
    }
    return count;
  },

  /** Writes down when messages arrive from now on, in µs; and what was written down. */
  record: ({ on }: { on: boolean }): number[] => {
    const recorded = arrivals ?? [];
    arrivals = on ? [] : undefined;
    return recorded;
  },

  /** Settings with the values 0, 1, 2 … at a pace; when each was published, in µs. */
  settings: async ({ id, count: settings, everyMs }: SettingsArgs): Promise<number[]> => {
    const subject = `p.${id}.${DOWN_TYPE}.0`;
    const sentUs: number[] = [];
    for (let value = 0; value < settings; value++) {
      // Times of settings increase.
      const time = BigInt(Date.now()) * 1_000_000n + BigInt(value);
      const point = mcuPoint({ type: DOWN_TYPE, key: '0', value, time, origin: 'bench' });
      const payload = POINT_CODECS.compact.encode([point]);
      sentUs.push(nowUs());
      nats.publish(subject, payload);
      await sleep(everyMs);
    }
    return sentUs;
  },
});
