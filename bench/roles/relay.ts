/**
 * The least that a gateway of this kind can do, to compare with: frames are cut
 * at `00` and not looked into, fixed payloads are published, ready-made acks
 * written. Over the same transport and the same NATS client as the gateway's.
 */
import { connect } from '@nats-io/transport-node';
import { SystemClock } from '../../src/point/clock.js';
import { createTransport } from '../../src/transport/transports.js';
import type { ByteChannel } from '../../src/transport/transport.js';
import { DOWN_TYPE, UP_TYPE, ackFrames, settingFrame, streamPayload } from '../frames.js';
import { messagePayload, serialConfig } from '../parts.js';
import { serve } from './serve.js';

/** First argument of the program, as JSON. */
export interface RelayArgs {
  readonly server: string;
  readonly links: readonly { readonly id: string; readonly path: string }[];
}

/** Arguments of `expect`. */
export interface RelayExpects {
  readonly points: number;
  readonly areAcks: boolean;
  /** Samples of a high-rate packet; 0: the packets have points. */
  readonly samples: number;
}

const { server, links } = JSON.parse(process.argv[2] ?? '') as RelayArgs;

const nats = await connect({ servers: server, noEcho: true, noAsyncTraces: true });
const payload = messagePayload();
const ack = ackFrames('compact')[0]!;
const setting = settingFrame();
let points = 1;
/** What the devices send is no packet with points: it acknowledges a setting. */
let areAcks = false;
/** What is published for a high-rate packet. */
let streamed: Uint8Array | undefined;

async function attach(id: string, path: string): Promise<void> {
  const subjects = Array.from({ length: 100 }, (_, i) => `p.${id}.${UP_TYPE}.${String(i)}`);
  /** A frame has begun and not ended. */
  let inside = false;
  /** Settings that wait: as the gateway's, one is on its way at a time. */
  let waiting = 0;
  let onItsWay = false;
  const next = (channel: ByteChannel): void => {
    onItsWay = waiting > 0;
    if (!onItsWay) return;
    waiting -= 1;
    channel.write(setting);
  };
  const relay = (channel: ByteChannel): void => {
    if (streamed !== undefined) {
      nats.publish(`phrup.root.${id}`, streamed);
      return;
    }
    if (areAcks) {
      next(channel);
      return;
    }
    for (let i = 0; i < points; i++) nats.publish(subjects[i]!, payload);
    channel.write(ack);
  };
  const channel: ByteChannel = await createTransport(serialConfig(path), new SystemClock()).open({
    data: (chunk) => {
      let from = 0;
      for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
        if (inside || end > from) relay(channel);
        inside = false;
        from = end + 1;
      }
      if (from < chunk.length) inside = true;
    },
    discarded: () => undefined,
    closed: () => undefined,
    drained: () => undefined,
    warning: () => undefined,
  });
  channels.push(channel);
  nats.subscribe(`p.${id}.${DOWN_TYPE}.>`, {
    callback: () => {
      waiting += 1;
      if (!onItsWay) next(channel);
    },
  });
  // The device is told that somebody is there.
  channel.write(setting);
}

const channels: ByteChannel[] = [];

// A CPU profile is written on the way out, and a port may be opened again only when it was closed.
process.on('SIGTERM', () => {
  void Promise.all(channels.map((channel) => channel.close())).finally(() => process.exit(0));
});

for (const { id, path } of links) await attach(id, path);

serve({
  /** From now on a packet is that many messages, or an ack. */
  expect: (args: RelayExpects): void => {
    points = args.points;
    areAcks = args.areAcks;
    streamed = args.samples > 0 ? streamPayload(args.samples) : undefined;
  },
});
