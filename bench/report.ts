/** The figures as tables for people, and what was aimed at. */
import { conclusions, type Comparison } from './comparison.js';
import type { BenchFigures } from './measure.js';
import type { OutboxFigures } from './outbox.js';
import { rounded } from './statistics.js';

const GOALS = { cpuRatio: 1.6, latencyMs: 0.3, rssMb: 100, diskShare: 0.6, outboxRssMb: 120 };

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** With as many digits as mean something. */
export const show = (value: number): string => rounded(value).toLocaleString('en-US');
const judged = (good: boolean): string => (good ? 'met' : 'MISSED');

/** The text of all tables and goals. */
export function report(figures: BenchFigures): string {
  const { codecs, nats, loads, latencies, rssMb, outbox } = figures;
  const parts: string[] = [];
  if (codecs.length > 0) {
    const rows = codecs.map((each) => [
      each.codec,
      show(each.encodedPerSecond),
      show(each.decodedPerSecond),
    ]);
    parts.push(table(['codec', 'encoded points/s', 'decoded points/s'], rows));
  }
  if (nats !== undefined) {
    parts.push(
      `NATS client alone: ${show(nats.messagesPerSecond)} messages/s, ` +
        `${show(nats.cpuUsPerMessage)} µs of CPU each`,
    );
  }
  if (loads.length > 0) {
    const head = [
      'links, points × in flight',
      'points/s',
      'of relay',
      ...(nats === undefined ? [] : ['of NATS']),
      'µs/packet',
      'µs/point',
      'relay µs/packet',
      'ratio',
      'lost',
      'MB',
    ];
    const rows = loads.map(({ links, points, window, gateway, relay, cpuRatio }) => [
      `${String(links).padStart(2)},  ${String(points).padStart(2)} × ${String(window)}`,
      show(gateway.pointsPerSecond),
      share(gateway.pointsPerSecond, relay.pointsPerSecond),
      ...(nats === undefined ? [] : [share(gateway.pointsPerSecond, nats.messagesPerSecond)]),
      show(gateway.cpuUsPerPacket),
      show(gateway.cpuUsPerPoint),
      show(relay.cpuUsPerPacket),
      cpuRatio.toFixed(2),
      String(gateway.lostPackets + gateway.lostPoints),
      show(gateway.rssMb),
    ]);
    parts.push(table(head, rows));
  }
  if (latencies.length > 0) {
    const rows = latencies.flatMap((each) =>
      (['gateway', 'relay'] as const).map((target) => {
        const { upP50Ms, upP99Ms, downP50Ms, downP99Ms } = each[target];
        return [
          `${String(each.links)} link(s), ${target}`,
          ...[upP50Ms, upP99Ms, downP50Ms, downP99Ms].map((ms) => ms.toFixed(2)),
        ];
      }),
    );
    const head = ['latency in ms at 100 points/s', 'up p50', 'up p99', 'down p50', 'down p99'];
    parts.push(table(head, rows));
  }
  parts.push(...outboxTables(outbox));
  const goals: string[] = [];
  const oneInFlight = loads.filter(({ window }) => window === 1);
  if (oneInFlight.length > 0) {
    const worst = Math.max(...oneInFlight.map(({ cpuRatio }) => cpuRatio));
    goals.push(
      `CPU per packet, one in flight, at most ${GOALS.cpuRatio} × the bare relay's: ` +
        `${judged(worst <= GOALS.cpuRatio)} (worst ${worst.toFixed(2)})`,
    );
  }
  if (loads.length > 0) {
    const lost = loads.reduce(
      (sum, { gateway }) => sum + gateway.lostPackets + gateway.lostPoints,
      0,
    );
    goals.push(`nothing lost at any window: ${judged(lost === 0)} (${lost})`);
  }
  for (const { links, gateway } of latencies) {
    const worst = Math.max(gateway.upP50Ms, gateway.downP50Ms);
    goals.push(
      `latency p50 below ${GOALS.latencyMs} ms each way, ${links} link(s): ` +
        `${judged(worst < GOALS.latencyMs)} (${worst.toFixed(2)} ms)`,
    );
  }
  for (const [links, mb] of Object.entries(rssMb)) {
    goals.push(
      `below ${GOALS.rssMb} MB with ${links} link(s): ${judged(mb < GOALS.rssMb)} (${show(mb)} MB)`,
    );
  }
  goals.push(...outboxGoals(outbox));
  if (goals.length > 0) parts.push(goals.join('\n'));
  if (figures.comparisons !== undefined) parts.push(comparisonReport(figures.comparisons));
  return `${parts.join('\n\n')}\n`;
}

/** The NATS client alone has no gateway in it. */
const NOT_COMPARED = 'nothing of this was compared with the baseline';

function comparisonReport(comparisons: readonly Comparison[]): string {
  if (comparisons.length === 0) return NOT_COMPARED;
  const rows = comparisons.map(({ name, measure, gateway, baseline, ratio, from, to, verdict }) => [
    `${name}: ${measure.what}`,
    show(gateway),
    show(baseline),
    ratio.toFixed(2),
    `${from.toFixed(2)} – ${to.toFixed(2)}`,
    WORDS[measure.of][verdict],
  ]);
  const head = ['beside the baseline', 'this', 'baseline', 'ratio', 'spread', ''];
  return [table(head, rows), '', ...conclusions(comparisons)].join('\n');
}

const WORDS = {
  time: { worse: 'slower', better: 'faster', alike: '', unknown: '' },
  memory: { worse: 'larger', better: 'smaller', alike: '', unknown: '' },
} as const;

function outboxTables({ loads, recovery, hour, away }: OutboxFigures): string[] {
  const parts: string[] = [];
  if (loads.length > 0) {
    const rows = loads.map((each) => [
      `${String(each.links).padStart(2)},  ${String(each.points).padStart(2)} × ${String(each.window)}`,
      show(each.diskPointsPerSecond),
      show(each.memoryPointsPerSecond),
      each.ratio.toFixed(2),
      String(each.lost),
    ]);
    const head = ['outbox: links, points × in flight', 'disk points/s', 'memory', 'ratio', 'lost'];
    parts.push(table(head, rows));
  }
  if (recovery !== undefined) {
    const { points, bytes, ms, idleMb, rssMb } = recovery;
    parts.push(
      `recovery: ${show(points)} points in ${show(bytes / 1024 / 1024)} MiB opened in ${show(ms)} ms; ` +
        `${show(idleMb)} MB before, ${show(rssMb)} MB after`,
    );
  }
  for (const [what, memory] of [
    ['points delivered', hour],
    ['points kept, since the store is away', away],
  ] as const) {
    if (memory === undefined) continue;
    parts.push(
      `${show(memory.points)} ${what}, in ${show(memory.seconds)} s; ` +
        `MB meanwhile: ${memory.rssMb.map(show).join(' ')}`,
    );
  }
  return parts;
}

function outboxGoals({ loads, recovery, hour, away }: OutboxFigures): string[] {
  // With one in flight an ack waits for the store's reply, as promised; memory acknowledges at once.
  const goals = loads
    .filter(({ window }) => window > 1)
    .map(
      ({ name, ratio }) =>
        `${name}: disk at least ${GOALS.diskShare} of memory: ` +
        `${judged(ratio >= GOALS.diskShare)} (${ratio.toFixed(2)})`,
    );
  const most = Math.max(0, ...[hour, away].flatMap((memory) => memory?.rssMb ?? []));
  if (most > 0) {
    goals.push(
      `below ${GOALS.outboxRssMb} MB with a busy outbox: ` +
        `${judged(most < GOALS.outboxRssMb)} (${show(most)} MB)`,
    );
  }
  if (recovery !== undefined) {
    goals.push(
      `below ${GOALS.outboxRssMb} MB with a full outbox: ` +
        `${judged(recovery.rssMb < GOALS.outboxRssMb)} (${show(recovery.rssMb)} MB)`,
    );
  }
  return goals;
}

const share = (of: number, to: number): string => `${Math.round((100 * of) / to)} %`;
