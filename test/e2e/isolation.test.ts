/**
 * No device harms another: the real gateway, with a device that sends without end beside a
 * healthy one. Both are measured in one run and compared by their ratio: other load of the
 * machine affects both.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { encodePacket } from '../../firmware-sim/packet.js';
import { mcuPoint } from '../../firmware-sim/points.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import { numberOf } from '../../src/point/point.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { Cli } from '../support/cli.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { leavesNothingBehind, now, openDevice, type Device } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();
const nats = useNats();

const LAP_BYTES = 1 << 20;

/** About a megabyte of frames. */
function lap(frame: (index: number) => Uint8Array): Buffer {
  const frames: Uint8Array[] = [];
  for (let bytes = 0, index = 0; bytes < LAP_BYTES; index += 1) {
    const one = frame(index);
    frames.push(one);
    bytes += one.length;
  }
  return Buffer.concat(frames);
}

const packet = (index: number, subject: string, payload: Uint8Array): Uint8Array =>
  encodeFrame(encodePacket({ sequence: (index % 255) + 1, subject, payload }));
const point = (type: string, value: number): Uint8Array =>
  POINT_CODECS.compact.encode([mcuPoint({ type, value })]);

const BABBLE: Readonly<Record<string, () => Buffer>> = {
  noise: () => {
    const random = new SeededRandom(1);
    return Buffer.from(Array.from({ length: LAP_BYTES }, () => Math.floor(random.next() * 256)));
  },
  'valid packets': () => lap((index) => packet(index, '', point('temp', index))),
  'a new type in every packet': () => lap((index) => packet(index, '', point(`t${index}`, 1))),
  logs: () => lap((index) => packet(index, 'log', Buffer.from(`line ${index}`))),
};

async function babbler(bytes: Buffer): Promise<object> {
  const file = join(tempDir(), 'babble');
  writeFileSync(file, bytes);
  const child = new Cli([file], { program: resolve('test/support/babbler.mjs') });
  const [, port] = await child.said(/^port (\d+)$/m, 'stdout');
  return { type: 'tcp', host: '127.0.0.1', port: Number(port) };
}

/** ms from sending to the ack, and to the point on NATS, of `count` points one after the other. */
async function latencies(device: Device, seen: () => number, count: number): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const from = performance.now();
    const before = seen();
    await device.report({ type: 'temp', value: n, time: now() });
    while (seen() === before) await new Promise((then) => setImmediate(then));
    took.push(performance.now() - from);
    await new Promise((then) => setTimeout(then, 2));
  }
  return took.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? 0;
const median = (numbers: readonly number[]): number =>
  at(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );

/** Each time without and then with the babbler, since a machine is not as busy at all times. */
const ROUNDS = 3;
const SAMPLES = 60;
/**
 * What two runs of the same may differ by on a machine that has much else to
 * do, in ms: the gateway waits for a processor then. How long it keeps its own
 * loop is counted exactly in test/gateway/link/scheduler.test.ts.
 */
const SLACK_MS = 20;

describe('a healthy link beside a device that sends without end', () => {
  it.for(Object.keys(BABBLE))('%s', { timeout: 120_000 }, async (name) => {
    const folder = tempDir();
    const device = await openDevice('compact');
    const flood = await babbler(BABBLE[name]!());
    const file = join(folder, 'gateway.json');
    const healthy = link('healthy', device.transport);
    const write = (...links: object[]): void =>
      writeFileSync(
        file,
        JSON.stringify({
          nats: { servers: nats.url },
          stateDir: join(folder, 'state'),
          siot: { store: 'none' },
          links,
        }),
      );
    let points = 0;
    const limited: number[] = [];
    const client = await nats.connect();
    client.subscribe('p.healthy.temp.>', { callback: () => void (points += 1) });
    client.subscribe('p.babbler.gatewayLimited.input', {
      callback: (_error, { data }) =>
        void limited.push(
          ...(WIRES[2].decode(data)?.points ?? []).map((one) => numberOf(one.value)),
        ),
    });
    await client.flush();
    write(healthy);
    const gateway = new Cli(['run', '-c', file, '--log-format', 'text']);
    await gateway.said(/port is open/);
    const reload = async (times: number, ...links: object[]): Promise<void> => {
      write(...links);
      gateway.child.kill('SIGHUP');
      await gateway.said(new RegExp(`(the configuration is applied[^]*){${times}}`));
    };

    await latencies(device, () => points, SAMPLES);
    const ratios: number[] = [];
    const figures: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const idle = await latencies(device, () => points, SAMPLES);
      await reload(2 * round + 1, healthy, link('babbler', flood));
      // A link is limited for the sake of one that is heard.
      const said = gateway.said(new RegExp(`(the device sends more than[^]*){${round + 1}}`));
      const isLimited = (): boolean =>
        gateway.stderr.split('the device sends more than').length > round + 1;
      while (!isLimited() && gateway.child.exitCode === null)
        await latencies(device, () => points, 5);
      await said;
      const busy = await latencies(device, () => points, SAMPLES);
      await reload(2 * round + 2, healthy);
      ratios.push((at(busy, 0.5) - SLACK_MS) / at(idle, 0.5));
      figures.push(
        [0.5, 0.9, 0.99]
          .map((share) => `${at(idle, share).toFixed(2)} to ${at(busy, share).toFixed(2)}`)
          .join(', '),
      );
    }
    expect(
      median(ratios),
      `p50, p90, p99 in ms, without to with: ${figures.join('; ')}`,
    ).toBeLessThan(2);
    // Once for each episode.
    await until(() => limited.length >= ROUNDS, 'the point that says so');
    expect(new Set(limited)).toEqual(new Set([1]));
    expect(gateway.stderr.match(/the device sends more than/g)).toHaveLength(ROUNDS);
  });
});

const link = (name: string, transport: object): object => ({
  name,
  transport,
  protocol: 'compact',
  node: { id: name },
});
