/** Who listens on NATS, and who asks the gateway there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { UP_TYPE } from '../frames.js';
import { messagePayload } from '../parts.js';
import { nowUs, serve } from './serve.js';

const nats = await connect({ servers: process.argv[2] ?? '', noAsyncTraces: true });

let count = 0;
/** High-rate packets. */
let streamed = 0;
let arrivals: number[] | undefined;
let awaited: { readonly count: number; readonly done: () => void } | undefined;

nats.subscribe(`p.*.${UP_TYPE}.*`, {
  callback: () => {
    count += 1;
    arrivals?.push(nowUs());
    if (awaited !== undefined && count >= awaited.count) awaited.done();
  },
});
nats.subscribe('phrup.>', { callback: () => void (streamed += 1) });
await nats.flush();

const LOOK_EVERY_MS = 2;
const REPLY_WITHIN_MS = 5_000;
const SETTLED_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 20;
/** Not of the type that is counted. */
const ASKED = 'p.bench-nobody.asked.0';

serve({
  count: (): number => count,

  /** High-rate packets so far, once there are that many or the time is over. */
  streamed: async (args: { count: number; withinMs: number }): Promise<number> => {
    const endUs = nowUs() + args.withinMs * 1000;
    while (streamed < args.count && nowUs() < endUs) await sleep(LOOK_EVERY_MS);
    return streamed;
  },

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

  /**
   * How long points of a node of nobody's take to be confirmed, ms: by the store, or by
   * nats-server where `store` is false.
   */
  answers: async ({ ms, store }: { ms: number; store: boolean }): Promise<number[]> => {
    const tripsMs: number[] = [];
    const endUs = nowUs() + ms * 1000;
    while (nowUs() < endUs) {
      const startUs = nowUs();
      if (store) await nats.request(ASKED, messagePayload(), { timeout: REPLY_WITHIN_MS });
      else await nats.flush();
      tripsMs.push((nowUs() - startUs) / 1000);
      await sleep(ASK_EVERY_MS);
    }
    return tripsMs;
  },

  /** Resolves when the store has done all that was published before. */
  settled: async (): Promise<void> => {
    await nats.request(ASKED, messagePayload(), { timeout: SETTLED_WITHIN_MS });
  },

  /** The reply to a request, as JSON. */
  request: async ({ subject, payload }: { subject: string; payload: string }): Promise<unknown> =>
    (await nats.request(subject, payload, { timeout: REPLY_WITHIN_MS })).json(),
});
