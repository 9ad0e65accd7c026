import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { BenchJson } from '../../bench/json.js';
import { ALL_NAMES, isWanted } from '../../bench/plan.js';

const run = promisify(execFile);
const ROOT = new URL('../..', import.meta.url).pathname;
const GATEWAY = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;
const MAIN = new URL('../../dist/bench/main.js', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function bench(...args: string[]): Promise<BenchJson> {
  const { stdout } = await run(process.execPath, [MAIN, '--quick', '--json', ...args], {
    env: { ...process.env, TMPDIR: folder },
  });
  return JSON.parse(stdout) as BenchJson;
}

/** Too short for figures that mean anything. */
const SHORT = ['--seconds', '0.05'];

describe('npm run bench', () => {
  it('says in JSON how fast each codec is', async () => {
    const figures = await bench('--only', 'codec', ...SHORT);
    expect(figures.codecs.map(({ codec }) => codec)).toEqual([
      'device, protobuf',
      'device, compact',
      'SIOT generation 1',
      'SIOT generation 2',
    ]);
    for (const { encodedPerSecond, decodedPerSecond } of figures.codecs) {
      expect(encodedPerSecond).toBeGreaterThan(0);
      expect(decodedPerSecond).toBeGreaterThan(0);
    }
    expect(figures.loads).toEqual([]);
  });

  it('brings points through the gateway and the relay, and loses none', async () => {
    const { loads, rssMb } = await bench('--only', 'links-1/10x4', ...SHORT);
    expect(loads).toHaveLength(1);
    const { gateway, relay, cpuRatio } = loads[0]!;
    for (const { pointsPerSecond, cpuUsPerPacket, cpuUsPerPoint, ...lost } of [gateway, relay!]) {
      expect(lost).toMatchObject({ lostPackets: 0, lostPoints: 0 });
      expect(pointsPerSecond).toBeGreaterThan(0);
      expect(cpuUsPerPacket).toBeCloseTo(10 * cpuUsPerPoint, 6);
    }
    expect(cpuRatio).toBeGreaterThan(0);
    expect(Object.keys(rssMb)).toEqual(['1']);
  });

  it('measures the gateway of another checkout in the same run', async () => {
    const only = ['--only', 'codec,links-1/10x4'];
    const figures = await bench('--baseline', ROOT, ...only, ...SHORT, '--rounds', '2');
    const { comparisons = [], loads } = figures;
    expect(comparisons.map(({ name, measure }) => `${name}: ${measure.what}`)).toEqual([
      'codec device, protobuf: encoded, µs/point',
      'codec device, protobuf: decoded, µs/point',
      'codec device, compact: encoded, µs/point',
      'codec device, compact: decoded, µs/point',
      'codec SIOT generation 1: encoded, µs/point',
      'codec SIOT generation 1: decoded, µs/point',
      'codec SIOT generation 2: encoded, µs/point',
      'codec SIOT generation 2: decoded, µs/point',
      'links-1/10x4: CPU, µs/packet',
      'links-1/10x4: elapsed, µs/point',
      'links-1/10x4: round trip p50, ms',
      'links-1/10x4: round trip p99, ms',
      'links-1/10x4: resident, MB',
    ]);
    for (const { gateway, baseline, ratio, from, to, pairs, verdict } of comparisons) {
      expect(gateway).toBeGreaterThan(0);
      expect(baseline).toBeGreaterThan(0);
      expect(from).toBeLessThanOrEqual(ratio);
      expect(to).toBeGreaterThanOrEqual(ratio);
      expect({ pairs, verdict }).toEqual({ pairs: 2, verdict: 'unknown' });
    }
    expect(loads[0]!.gateway).toMatchObject({ lostPackets: 0, lostPoints: 0 });
    expect((await bench('--only', 'codec', ...SHORT)).comparisons).toBeUndefined();
  });

  it('compares the outbox on disk with that of another checkout', async () => {
    const only = ['--only', 'durable/1x1,outbox/recovery'];
    const figures = await bench('--baseline', ROOT, ...only, ...SHORT);
    const { comparisons = [], loads, outbox, waiting } = figures;
    expect(comparisons.map(({ name, measure }) => `${name}: ${measure.what}`)).toEqual([
      'durable/1x1: CPU, µs/packet',
      'durable/1x1: elapsed, µs/point',
      'durable/1x1: round trip p50, ms',
      'durable/1x1: round trip p99, ms',
      'durable/1x1: resident, MB',
      'outbox/recovery: opening, ms',
      'outbox/recovery: resident, MB',
    ]);
    expect(loads).toHaveLength(1);
    expect(outbox.recovery?.points).toBeGreaterThan(0);
    // Both programs over bare sockets have acknowledged.
    expect(waiting?.cpuUs).toBeGreaterThan(0);
    expect(waiting?.atOnceCpuUs).toBeGreaterThan(0);
  });

  it('measures another gateway in the same cases', async () => {
    const config =
      '{nats: {servers: $NATS_URL}, stateDir: $STATE_DIR/state, links: [{name: a, ' +
      'protocol: $PROTOCOL, transport: {type: serial, path: $PORTS}, node: {id: $NODE_IDS}}]}';
    const command =
      `echo "${config}" > $STATE_DIR/gateway.yaml; ` +
      `exec ${process.execPath} ${GATEWAY} run -c $STATE_DIR/gateway.yaml`;
    const only = ['--only', 'links-1/10x4,links-1/latency'];
    const figures = await bench(...only, ...SHORT, '--against', command, '--wire', 'protobuf');
    const { gateway, against } = figures.loads[0]!;
    expect(against).toMatchObject({ lostPackets: 0, lostPoints: 0 });
    expect(against!.pointsPerSecond).toBeGreaterThan(0);
    expect(against!.rssMb).toBeGreaterThan(gateway.rssMb / 2);
    expect(figures.latencies[0]!.against?.downP50Ms).toBeGreaterThan(0);
    expect(figures.peer.map(({ name, what }) => `${name}: ${what}`)).toEqual([
      'links-1/10x4: points/s',
      'links-1/10x4: CPU, µs/packet',
      'links-1/10x4: p50, ms',
      'links-1/10x4: p99, ms',
      'links-1/10x4: disk, B/point',
      'links-1/10x4: lost',
      'links-1/10x4: MB',
      'links-1/latency: up p50, ms',
      'links-1/latency: up p99, ms',
      'links-1/latency: down p50, ms',
      'links-1/latency: down p99, ms',
    ]);
  });

  it('shows what another program cannot do, and says why one has ended', async () => {
    const only = ['--only', 'links-1/1x1', ...SHORT];
    const { loads, peer } = await bench(...only, '--against', 'exec sleep 1000');
    expect(loads[0]!.against).toBeNull();
    expect(new Set(peer.map(({ against }) => against))).toEqual(new Set([null]));
    const failed = bench(...only, '--against', 'echo no such port >&2; exit 3');
    await expect(failed).rejects.toThrow(/ended \(3\) no such port/);
  });

  it('says which file is missing in a baseline', async () => {
    const failed = bench('--baseline', folder);
    await expect(failed).rejects.toMatchObject({ code: 2 });
    await expect(failed).rejects.toThrow(`there is no ${folder}/dist/src/cli/main.js`);
  });

  it('lists the cases when an unknown one is asked for', async () => {
    const failed = bench('--only', 'links-3');
    await expect(failed).rejects.toMatchObject({ code: 2 });
    await expect(failed).rejects.toThrow(/there is: codec, nats, nats\/confirmed, links-1\/1x1/);
  });

  it('accepts the name of a case, or the beginning of several names', () => {
    expect(ALL_NAMES.filter((name) => isWanted(name, ['links-1/10x64']))).toEqual([
      'links-1/10x64',
    ]);
    const sixteen = ALL_NAMES.filter((name) => isWanted(name, ['links-16']));
    expect(sixteen).toContain('links-16/latency');
    expect(sixteen.some((name) => name.startsWith('links-1/'))).toBe(false);
    expect(ALL_NAMES.filter((name) => isWanted(name, []))).toEqual(ALL_NAMES);
  });
});
