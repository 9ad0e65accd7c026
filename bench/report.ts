/** The figures as tables for people, and what was aimed at. */
import { conclusions, type Comparison } from './comparison.js';
import { judge, type Judgement } from './goals.js';
import type { LoadFigures, TargetFigures } from './loads.js';
import type { BenchFigures } from './measure.js';
import type { OutboxFigures } from './outbox.js';
import { besideProgram } from './peer.js';
import { steadinessLine } from './steadiness.js';
import { percent, show, signed, table } from './table.js';

/** The text of all tables and goals. */
export function report(figures: BenchFigures): string {
  const { codecs, nats, confirmed, waiting, loads, fair, usb } = figures;
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
  if (confirmed !== undefined) {
    parts.push(
      `NATS client alone, one message after the other is confirmed: ${confirmed.ms.toFixed(3)} ms, ` +
        `${show(confirmed.cpuUs)} µs of CPU each`,
    );
  }
  if (waiting !== undefined) {
    parts.push(
      'bare sockets in Node, a packet is acknowledged when NATS has confirmed it, not at once: ' +
        `${show(waiting.cpuUs)} µs of CPU instead of ${show(waiting.atOnceCpuUs)}, ` +
        `p50 ${signed(waiting.p50MoreMs)} ms`,
    );
  }
  const all = [...loads, ...(fair.load ? [fair.load] : []), ...(usb ? [usb.load] : [])];
  for (const [beside, title] of [
    ['relay', 'beside the bare relay'],
    ['memory', 'beside durability: memory'],
  ] as const) {
    const some = all.filter((load) => load.beside === beside);
    if (some.length > 0) parts.push(loadTable(title, beside, some, nats?.messagesPerSecond));
  }
  parts.push(
    ...latencyTable(figures),
    ...settingsTable(figures),
    ...highRateTable(figures),
    ...outboxParts(figures.outbox),
  );
  const rows = besideProgram(figures).map(({ name, what, gateway, against }) => [
    `${name}: ${what}`,
    show(gateway),
    against === null ? '–' : show(against),
    against === null ? '–' : (gateway / against).toFixed(2),
  ]);
  if (rows.length > 0) {
    parts.push(table(['beside the other program', 'this', 'other', 'ratio'], rows));
  }
  const judgements = judge(figures);
  if (judgements.length > 0) parts.push(goalTable(judgements));
  if (figures.steadiness !== undefined) parts.push(steadinessLine(figures.steadiness));
  if (figures.comparisons !== undefined) parts.push(comparisonReport(figures.comparisons));
  return `${parts.join('\n\n')}\n`;
}

const ABSENT = '–';

function loadTable(
  title: string,
  beside: 'relay' | 'memory',
  loads: readonly LoadFigures[],
  natsPerSecond: number | undefined,
): string {
  const head = [
    title,
    'points/s',
    'ratio',
    ...(natsPerSecond === undefined ? [] : ['of NATS']),
    'µs/packet',
    beside,
    'ratio',
    'p50 ms',
    beside,
    'p99 ms',
    beside,
    'disk B/point',
    beside,
    'lost',
    'MB',
  ];
  const rows = loads.map((load) => {
    const { name, gateway, pointsRatio, cpuRatio, countsDisk } = load;
    const other = load[beside] ?? gateway;
    const both = (of: (figures: TargetFigures) => string): string[] => [of(gateway), of(other)];
    return [
      name,
      show(gateway.pointsPerSecond),
      pointsRatio.toFixed(2),
      ...(natsPerSecond === undefined ? [] : [percent(gateway.pointsPerSecond / natsPerSecond)]),
      ...both(({ cpuUsPerPacket }) => show(cpuUsPerPacket)),
      cpuRatio.toFixed(2),
      ...both(({ roundTripP50Ms }) => roundTripP50Ms.toFixed(2)),
      ...both(({ roundTripP99Ms }) => roundTripP99Ms.toFixed(2)),
      ...both(({ diskBytesPerPoint }) => (countsDisk ? show(diskBytesPerPoint) : ABSENT)),
      String(gateway.lostPackets + gateway.lostPoints),
      show(gateway.rssMb),
    ];
  });
  return table(head, rows);
}

function latencyTable({ latencies }: BenchFigures): string[] {
  if (latencies.length === 0) return [];
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
  return [table(head, rows)];
}

function settingsTable({ settings }: BenchFigures): string[] {
  if (settings === undefined) return [];
  const rows = (['gateway', 'relay'] as const).map((target) => {
    const { perSecond, p50Ms, p99Ms } = settings[target];
    return [target, show(perSecond), p50Ms.toFixed(2), p99Ms.toFixed(2)];
  });
  return [table(['settings of known points', 'settings/s', 'p50 ms at 100/s', 'p99'], rows)];
}

function highRateTable({ highRate }: BenchFigures): string[] {
  if (highRate === undefined) return [];
  const rows = (['paced', 'most'] as const).flatMap((pace) =>
    (['gateway', 'relay'] as const).map((target) => {
      const figures = highRate[pace][target];
      return [
        `${pace === 'paced' ? '250,000/s' : 'at most'}, ${target === 'relay' ? 'bare reader' : target}`,
        show(figures.samplesPerSecond),
        percent(figures.arrived),
        percent(figures.cpuShare),
        show(figures.cpuMsPerMillion),
      ];
    }),
  );
  return [table(['high rate', 'samples/s', 'arrived', 'of a core', 'CPU ms/million'], rows)];
}

function outboxParts({ recovery, long, away }: OutboxFigures): string[] {
  const parts: string[] = [];
  if (recovery !== undefined) {
    const { points, bytes, ms, idleMb, rssMb } = recovery;
    parts.push(
      `recovery: ${show(points)} points in ${show(bytes / 1024 / 1024)} MiB opened in ${show(ms)} ms; ` +
        `${show(idleMb)} MB before, ${show(rssMb)} MB after`,
    );
  }
  for (const [what, memory] of [
    ['points delivered', long],
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

/** Verdicts are of the medians of this run. */
function goalTable(judgements: readonly Judgement[]): string {
  const rows = judgements.map(({ name, goal, verdict, seen }) => [
    `${name}: ${goal}`,
    verdict,
    seen,
  ]);
  const wide = Math.max(...rows.map(([goal = '']) => goal.length));
  return rows
    .map(([goal = '', verdict = '', seen = '']) =>
      `${goal.padEnd(wide)}  ${verdict.padEnd(10)}  ${seen}`.trimEnd(),
    )
    .join('\n');
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
