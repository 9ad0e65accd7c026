/** What it costs at least to acknowledge a packet only when the server has confirmed its message. */
import { NatsServer } from '../src/siot/connection/nats-server.js';
import { Child } from './child.js';
import type { OpenedPort } from './roles/device.js';
import type { LoadResult } from './roles/load.js';
import type { WaitingArgs } from './roles/waiting.js';
import { median } from './statistics.js';

/** A program over bare sockets that waits, beside one that does not; medians. One packet is in flight. */
export interface WaitingFigures {
  /** CPU for a packet. */
  readonly cpuUs: number;
  readonly atOnceCpuUs: number;
  /** What waiting adds; medians of the pairs. */
  readonly cpuMoreUs: number;
  readonly p50MoreMs: number;
}

interface Sample {
  readonly cpuUs: number;
  readonly p50Ms: number;
}

const WARM_MS = 300;

/** Both in turn, in the opposite order every second round. */
export async function measureWaiting(seconds: number, rounds: number): Promise<WaitingFigures> {
  const server = await NatsServer.start();
  // Somebody listens there, as in all other measurements.
  const subscriber = new Child('roles/subscriber.js', { args: [server.url] });
  const device = new Child('roles/device.js');
  const sides: { program: Child; port: number; samples: Sample[] }[] = [];
  try {
    await subscriber.ask('count');
    const ports = await device.ask<OpenedPort[]>('open', { count: 2, protocol: 'compact' });
    for (const [i, { port, path }] of ports.entries()) {
      const args: WaitingArgs = { server: server.url, path, waits: i === 0 };
      const program = new Child('roles/waiting.js', { args: [JSON.stringify(args)] });
      sides.push({ program, port, samples: [] });
    }
    await device.ask('attached', { ports: ports.map(({ port }) => port) });
    const load = async ({ program, port }: (typeof sides)[number], ms: number): Promise<Sample> => {
      const before = await program.usage();
      const sent = { ports: [port], points: 1, window: 1, ms };
      const { packets, roundTripMs } = await device.ask<LoadResult>('load', sent);
      const { cpuMs } = await program.usage();
      return { cpuUs: ((cpuMs - before.cpuMs) / packets) * 1000, p50Ms: roundTripMs.p50 };
    };
    for (const side of sides) await load(side, WARM_MS);
    for (let round = 0; round < rounds; round++) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        side.samples.push(await load(side, seconds * 1000));
      }
    }
  } finally {
    await Promise.all(
      [...sides.map(({ program }) => program), device, subscriber].map((child) => child.stop()),
    );
    await server.stop();
  }
  const [waits = [], atOnce = []] = sides.map(({ samples }) => samples);
  const more = (of: (sample: Sample) => number): number =>
    median(waits.map((sample, i) => of(sample) - of(atOnce[i] ?? sample)));
  const cpuUs = (sample: Sample): number => sample.cpuUs;
  return {
    cpuUs: median(waits.map(cpuUs)),
    atOnceCpuUs: median(atOnce.map(cpuUs)),
    cpuMoreUs: more(cpuUs),
    p50MoreMs: more(({ p50Ms }) => p50Ms),
  };
}
