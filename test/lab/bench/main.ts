/**
 * `npm run lab -- --bench`: packets over a virtual bus to a peer that sends them
 * back, through the gateway's transport and framing and through a bare socket:
 *
 * ```
 *  gateway's transport ── vcan0 ── a bare socket that sends back, in a process of its own
 *  bare socket ────────── vcan0 ── another one
 * ```
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { show, table } from '../../../bench/table.js';
import { median, pairedRatio, percentile } from '../../../bench/statistics.js';
import { addVcan, removeInterface } from '../support/can.js';
import { CASES, INTERFACE, type IDS, nameOf, type Case } from './cases.js';
import { openBareEnd, openGatewayEnd, type End, type Exchange } from './ends.js';

/** Packets on their way while speed is measured; for latency one at a time. */
const WINDOW = 2;
const WARM_MS = 1_500;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
  },
});
const [ms, rounds] = [Number(values.seconds) * 1000, Number(values.rounds)];
if (!(ms > 0 && ms <= 60_000 && Number.isInteger(rounds) && rounds > 0)) {
  process.stderr.write('--seconds takes more than 0 and at most 60, --rounds a whole number\n');
  process.exit(2);
}

interface Sample extends Exchange {
  /** On the bus, both ways. */
  readonly frames: number;
}

const framesSent = (): number =>
  Number(readFileSync(`/sys/class/net/${INTERFACE}/statistics/tx_packets`, 'utf8'));

async function sample(end: End, window: number): Promise<Sample> {
  const before = framesSent();
  const exchange = await end.exchange(window, ms);
  return { ...exchange, frames: framesSent() - before };
}

async function startEcho({ framing, fd }: Case, whose: keyof typeof IDS): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('echo.js', import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, [file, framing, fd ? 'fd' : 'classic', whose], {
    stdio: [...stdio],
  });
  await once(child.stdout, 'data');
  return child;
}

const perSecond = ({ frames, ms: took }: Sample): number => (frames / took) * 1000;
const cpuUs = ({ frames, cpuMs }: Sample): number => (cpuMs / frames) * 1000;
const latency = (samples: readonly Sample[], share: number): number =>
  percentile(
    samples.flatMap(({ latenciesMs }) => latenciesMs),
    share,
  );

async function measure(medium: Case): Promise<string[]> {
  const echoes: ChildProcess[] = [];
  const ends: End[] = [];
  try {
    for (const whose of ['gateway', 'bare'] as const) echoes.push(await startEcho(medium, whose));
    const [gateway, bare] = [await openGatewayEnd(medium), openBareEnd(medium)];
    ends.push(gateway, bare);
    const speed = { gateway: [] as Sample[], bare: [] as Sample[] };
    const calm = { gateway: [] as Sample[], bare: [] as Sample[] };
    for (const end of ends) await end.exchange(1, WARM_MS);
    for (let round = 0; round < rounds; round += 1) {
      speed.gateway.push(await sample(gateway, WINDOW));
      speed.bare.push(await sample(bare, WINDOW));
      calm.gateway.push(await sample(gateway, 1));
      calm.bare.push(await sample(bare, 1));
    }
    const [ours, theirs] = [speed.gateway, speed.bare];
    return [
      nameOf(medium),
      show(median(ours.map(perSecond))),
      show(pairedRatio(ours.map(perSecond), theirs.map(perSecond))),
      show(median(ours.map(cpuUs))),
      show(pairedRatio(ours.map(cpuUs), theirs.map(cpuUs))),
      show(latency(calm.gateway, 0.5)),
      show(latency(calm.gateway, 0.99)),
      show(latency(calm.gateway, 0.5) / latency(calm.bare, 0.5)),
    ];
  } finally {
    for (const end of ends) await end.close();
    for (const echo of echoes) {
      echo.kill('SIGKILL');
      await once(echo, 'close');
    }
  }
}

addVcan(INTERFACE, { fd: true });
try {
  const rows: string[][] = [];
  for (const medium of CASES) {
    process.stderr.write(`${nameOf(medium)} …\n`);
    rows.push(await measure(medium));
  }
  const head = [
    'vcan',
    'frames/s',
    'of bare',
    'CPU µs/frame',
    'ratio',
    'p50 ms',
    'p99 ms',
    'ratio',
  ];
  process.stdout.write(`${table(head, rows)}\n`);
} finally {
  removeInterface(INTERFACE);
}
