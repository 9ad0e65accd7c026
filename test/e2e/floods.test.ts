/**
 * What ordinary clients publish makes the gateway use a bounded amount of memory, and takes no
 * time from other links (docs/contract.md, "Whose points"). Measured on the real program, by
 * the peak of its memory.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePoint, stringValue, floatValue, type Point } from '../../src/point/point.js';
import { siot } from '#proto/siot.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { verbSubject } from '../../src/gateway/control/nats/protocol.js';
import { Cli } from '../support/cli.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { leavesNothingBehind, now, openDevice, type Device } from './harness.js';

leavesNothingBehind();
const nats = useNats();

/**
 * By how much a flood may make the gateway's memory grow, MB. An idle gateway takes some
 * 75 MB, since each command loads its own code only: all that a flood needs is growth, room
 * in the heap and code that is loaded for it too.
 */
const GROWTH_MB = 80;
/** Measured: up to 95 MB on Node 20, since one message becomes 8,000 objects before any is left out. */
const GROWTH_OF_MANY_POINTS_MB = 110;

/** Where the flooder puts the number of each message. */
const NUMBER = '00000000';

const memoryMb = (pid: number, what: 'VmRSS' | 'VmHWM'): number =>
  Number(
    new RegExp(`${what}:\\s*(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
  ) / 1024;

interface Flood {
  readonly generation: 1 | 2;
  readonly count: number;
  readonly perSecond?: number;
  /** Instead of {@link GROWTH_MB}. */
  readonly growthMb?: number;
  message(
    nodeId: string,
    gatewayId: string,
  ): { readonly subject: string; readonly payload: Uint8Array; readonly reply?: string };
}

const set = (point: Partial<Point> & { readonly type: string }): Point =>
  makePoint({ value: floatValue(1), time: now(), origin: 'somebody', key: '', ...point });

/** Longer than our own encoder takes. */
function long(point: Point, text: string): Uint8Array {
  const time = { seconds: Number(point.time / 1_000_000_000n), nanos: 0 };
  return siot.Points.encode({
    points: [{ type: point.type, key: point.key, origin: point.origin, text, time }],
  }).finish();
}

const on = (nodeId: string, generation: 1 | 2, ...points: Point[]) => ({
  subject: points[0] === undefined ? '' : WIRES[generation].pointSubject(nodeId, points[0]),
  payload: WIRES[generation].encode(points),
});

const FLOODS: Readonly<Record<string, Flood>> = {
  '1,500 texts of 900 kB': {
    generation: 1,
    count: 1_500,
    message: (nodeId) => ({
      subject: `p.${nodeId}`,
      payload: long(set({ type: 'text', key: NUMBER }), 'x'.repeat(900_000)),
    }),
  },
  'types of 900 kB that are nobody’s to set': {
    generation: 1,
    count: 1_000,
    message: (nodeId) => ({
      subject: `p.${nodeId}`,
      payload: long(set({ type: `gateway${NUMBER}${'x'.repeat(900_000)}` }), 'x'),
    }),
  },
  'messages of 8,000 small points': {
    generation: 1,
    count: 1_000,
    growthMb: GROWTH_OF_MANY_POINTS_MB,
    message: (nodeId) => ({
      subject: `p.${nodeId}`,
      payload: WIRES[1].encode([
        set({ type: 'small', key: NUMBER }),
        ...Array.from({ length: 7_999 }, (_, n) => set({ type: 'small', key: String(n) })),
      ]),
    }),
  },
  'messages of 8,000 small points, compact': {
    generation: 2,
    count: 300,
    growthMb: GROWTH_OF_MANY_POINTS_MB,
    message: (nodeId) =>
      on(
        nodeId,
        2,
        set({ type: 'small', key: NUMBER }),
        ...Array.from({ length: 7_999 }, (_, n) => set({ type: 'small', key: String(n) })),
      ),
  },
  '5,000 texts of 60 kB': {
    generation: 2,
    count: 5_000,
    message: (nodeId) =>
      on(nodeId, 2, set({ type: 'text', key: NUMBER, value: stringValue('x'.repeat(60_000)) })),
  },
  'tiny messages on distinct points': {
    generation: 2,
    count: 600_000,
    perSecond: 200_000,
    message: (nodeId) => on(nodeId, 2, set({ type: 'tiny', key: NUMBER })),
  },
  'questions for the status': {
    generation: 2,
    count: 200_000,
    message: (_nodeId, gatewayId) => ({
      subject: verbSubject(gatewayId, 'status'),
      payload: new Uint8Array(),
      reply: 'somewhere',
    }),
  },
  'settings by the verb': {
    generation: 2,
    count: 200_000,
    message: (_nodeId, gatewayId) => ({
      subject: verbSubject(gatewayId, 'set'),
      reply: 'somewhere',
      payload: Buffer.from(
        JSON.stringify({
          link: 'flooded',
          type: 'v',
          key: NUMBER,
          value: { kind: 'float', number: 1 },
        }),
      ),
    }),
  },
  edges: {
    generation: 2,
    count: 300_000,
    message: (nodeId) => ({
      subject: WIRES[2].edgeSubject(nodeId, 'root'),
      payload: WIRES[2].encode([set({ type: 'tombstone', value: floatValue(0) })]),
    }),
  },
};

function flood(
  port: number,
  { count, perSecond, message }: Flood,
  nodeId: string,
  gatewayId: string,
): Cli {
  const { subject, payload, reply = '' } = message(nodeId, gatewayId);
  const file = join(tempDir(), 'message');
  writeFileSync(
    file,
    Buffer.concat([
      Buffer.from(`PUB ${subject} ${reply}${reply === '' ? '' : ' '}${payload.length}\r\n`),
      payload,
      Buffer.from('\r\n'),
    ]),
  );
  return new Cli([JSON.stringify({ port, file, count, perSecond })], {
    program: resolve('test/support/flooder.mjs'),
  });
}

async function acks(device: Device, until: Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  const state = { over: false };
  void until.then(() => (state.over = true));
  for (let n = 0; !state.over; n += 1) {
    const from = performance.now();
    await device.report({ type: 'temp', value: n, time: now() });
    took.push(performance.now() - from);
    await new Promise((then) => setTimeout(then, 5));
  }
  return took.sort((a, b) => a - b);
}

describe('memory and the other link, during a flood of', () => {
  it.for(Object.keys(FLOODS))('%s', { timeout: 120_000 }, async (name) => {
    const one = FLOODS[name]!;
    const folder = tempDir();
    const flooded = await openDevice('compact', 'serial', { ackTimeoutMs: 30_000 });
    const neighbour = await openDevice('compact', 'serial', { ackTimeoutMs: 30_000 });
    const file = join(folder, 'gateway.json');
    const link = (name: string, { transport }: Device): object => ({
      name,
      transport,
      protocol: 'compact',
      node: { id: name },
    });
    writeFileSync(
      file,
      JSON.stringify({
        nats: { servers: nats.url },
        stateDir: join(folder, 'state'),
        siot: { store: 'none', generation: one.generation },
        links: [link('flooded', flooded), link('neighbour', neighbour)],
      }),
    );
    const gateway = new Cli(['run', '-c', file, '--log-format', 'text']);
    await gateway.said(/(port is open[^]*){2}/);
    const [, gatewayId = ''] = await gateway.said(/gateway (\S+) runs/);
    await neighbour.report({ type: 'temp', value: -1, time: now() });
    await flooded.report({ type: 'temp', value: -1, time: now() });
    const pid = gateway.child.pid ?? 0;
    const idleMb = memoryMb(pid, 'VmRSS');
    // The peak is counted anew.
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    const flooder = flood(nats.server.port, one, 'flooded', gatewayId);
    const took = await acks(neighbour, flooder.ended);
    const peakMb = memoryMb(pid, 'VmHWM');
    const from = performance.now();
    gateway.child.kill('SIGTERM');
    const status = await gateway.ended;
    const endedMs = performance.now() - from;
    expect(peakMb - idleMb).toBeLessThan(one.growthMb ?? GROWTH_MB);
    expect(took[took.length >> 1]).toBeLessThan(500);
    expect(status).toBe(0);
    expect(endedMs).toBeLessThan(5_000);
  });
});
