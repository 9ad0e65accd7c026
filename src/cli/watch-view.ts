/**
 * What `siot-mcu watch` and the demo show on a terminal: the links with their points, what
 * is pending, and notes. All of it is made anew for each frame, from what is known then.
 */
import type { LinkStatus, PendingSetting } from '../gateway/link/status.js';
import { diagnosisText } from '../session/diagnosis/diagnosis.js';
import { plainText, valueText } from '../point/value-text.js';
import { cut, padEnd, padStart, widthOf, wrap } from './columns.js';
import { harmless } from './harmless.js';
import { linkState, nameOf, unitText } from './watch-lines.js';
import type { LinkPoints, SeenPoint } from './watch-points.js';

/** What is shown. */
export interface Shown {
  /** Lines at the top: what this is, NATS, SIOT. */
  readonly head: readonly string[];
  readonly links: readonly ShownLink[];
  /** The latest ones are shown. */
  readonly notes: readonly string[];
}

/** A link of a {@link Shown}. */
export interface ShownLink {
  readonly status: LinkStatus;
  readonly points: LinkPoints;
}

/** Of a terminal, in characters. */
export interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** When a frame is made. */
export interface Moment {
  /** As the times of {@link SeenPoint}. */
  readonly monotonicMs: number;
  /** ns since 1970. */
  readonly wallNs: bigint;
}

/** More columns make the eye lose the line. */
const MOST_COLUMNS = 110;
const LEAST_COLUMNS = 20;
const MOST_NOTES = 6;
const AGE_COLUMNS = 9;
const RATE_COLUMNS = 10;
/** With fewer columns there is none for the rate, and then none for the age. */
const WITH_RATE = 56;
const WITH_AGE = 40;
/** The longest number. */
const VALUE_COLUMNS = 25;
const INDENT = '   ';

/** The lines for a terminal of that size: not more than its rows, none longer than its columns. */
export function frame(shown: Shown, size: Size, now: Moment): string[] {
  const columns = Math.max(LEAST_COLUMNS, Math.min(size.columns, MOST_COLUMNS));
  const rows = Math.max(1, size.rows);
  const head = shown.head.flatMap((line) => wrap(harmless(line), columns, INDENT));
  const notes = shown.notes
    .slice(-Math.max(1, Math.min(MOST_NOTES, Math.floor(rows / 4))))
    .map((line) => cut(harmless(line), columns));
  const plan = planOf(shown.links, columns);
  const headings = [...head, '', headingOf(plan)];
  const below = notes.length === 0 ? [] : ['', ...notes];
  const free = rows - headings.length - below.length;
  const all = [...headings, ...linkLines(shown.links, free, columns, plan, now), ...below];
  return all.slice(0, rows).map((line) => cut(line, size.columns).trimEnd());
}

interface Plan {
  readonly name: number;
  readonly value: number;
  readonly age: number;
  readonly rate: number;
}

function planOf(links: readonly ShownLink[], columns: number): Plan {
  const rate = columns >= WITH_RATE ? RATE_COLUMNS : 0;
  const age = columns >= WITH_AGE ? AGE_COLUMNS : 0;
  const longest = Math.max(
    ...links.flatMap(({ points }) => points.all().map((point) => widthOf(shownName(point)))),
    14,
  );
  const name = Math.min(INDENT.length + longest + 1, Math.floor(columns * 0.4));
  return { name, value: Math.min(VALUE_COLUMNS, columns - name - age - rate), age, rate };
}

const headingOf = ({ name, value, age, rate }: Plan): string =>
  padEnd(`${INDENT}point`, name) +
  padStart('value', value) +
  (age > 0 ? padStart('age', age) : '') +
  (rate > 0 ? padStart('rate', rate) : '');

/** The links, in not more lines than are free: each has its first line before any has a second. */
function linkLines(
  links: readonly ShownLink[],
  free: number,
  columns: number,
  plan: Plan,
  now: Moment,
): string[] {
  if (links.length > free) {
    const shown = links.slice(0, Math.max(0, free - 1));
    const left = links.length - shown.length;
    return [
      ...shown.map(({ status }) => cut(titleOf(status), columns)),
      cut(`… ${left} more links: siot-mcu watch LINK shows one`, columns),
    ];
  }
  const titles = links.map(({ status }) => wrap(titleOf(status), columns, INDENT));
  const told = links.map(({ status }) => toldOf(status, columns, now));
  const points = links.map((link) => pointLines(link, plan, now));
  const wanted = titles.map((lines) => lines.length - 1);
  const rest = free - links.length;
  const forTitles = share(wanted, rest);
  const afterTitles = rest - sum(forTitles);
  // Half of the room, and what the points leave: what is wrong must be seen beside them.
  const pointsWant = points.map((lines) => lines.length);
  const forTold = share(
    told.map((lines) => lines.length),
    Math.max(Math.floor(afterTitles / 2), afterTitles - sum(pointsWant)),
  );
  const forPoints = share(pointsWant, afterTitles - sum(forTold));
  return links.flatMap((_link, at) => [
    ...(titles[at] ?? []).slice(0, 1 + (forTitles[at] ?? 0)),
    ...firstOf(points[at] ?? [], forPoints[at] ?? 0, 'points'),
    ...firstOf(told[at] ?? [], forTold[at] ?? 0, 'lines'),
  ]);
}

/** As many of the lines as there is room for; the last says how many there are besides. */
function firstOf(lines: readonly string[], room: number, what: string): readonly string[] {
  if (lines.length <= room) return lines;
  if (room === 0) return [];
  return [...lines.slice(0, room - 1), `${INDENT}… ${lines.length - room + 1} more ${what}`];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Divides room: nobody gets more than wanted, and who gets less gets as much as any other, or one less. */
export function share(wanted: readonly number[], room: number): number[] {
  const given = wanted.map(() => 0);
  let left = Math.max(0, room);
  for (;;) {
    const hungry = wanted.flatMap((want, at) => (want > (given[at] ?? 0) ? [at] : []));
    if (hungry.length === 0 || left === 0) return given;
    const each = Math.floor(left / hungry.length);
    for (const at of each > 0 ? hungry : hungry.slice(0, left)) {
      const want = wanted[at] ?? 0;
      const more = Math.min(Math.max(1, each), want - (given[at] ?? 0));
      given[at] = (given[at] ?? 0) + more;
      left -= more;
    }
  }
}

function titleOf(status: LinkStatus): string {
  const { name, transport, codec, portProblem } = status;
  const why = portProblem === undefined ? '' : `: ${portProblem}`;
  return harmless(`${name}: ${linkState(status)}${why} · ${transport} · codec ${codec}`);
}

/** What is pending, and what people should do. */
function toldOf(status: LinkStatus, columns: number, now: Moment): string[] {
  const more = status.pendingLeft ?? 0;
  const { diagnosis } = status;
  const advice = [...(diagnosis === undefined ? [] : [diagnosisText(diagnosis)]), ...status.advice];
  return [
    ...advice.flatMap((one) => wrap(` ! ${harmless(one)}`, columns, INDENT)),
    ...status.pending.flatMap((setting) => wrap(pendingText(setting, now), columns, `${INDENT}  `)),
    ...(more > 0 ? [`${INDENT}… ${more} more pending settings`] : []),
  ];
}

/** Columns of a pending value. */
const PENDING_COLUMNS = 30;

function pendingText(setting: PendingSetting, { wallNs }: Moment): string {
  const { command, deleted, valueBytes, reason, progress } = setting;
  const bytes = valueBytes ?? (typeof setting.value === 'string' ? setting.value.length : 0);
  const text = harmless(plainText(setting.value));
  const value = deleted ? '(deleted)' : cut(text, PENDING_COLUMNS, ` ${bytes} bytes`);
  const seconds = Number(wallNs - BigInt(setting.time)) / 1e9;
  const since = seconds >= 1 ? ` for ${ageText(seconds)}` : '';
  const more = progress === undefined ? '' : ` (${harmless(progress)})`;
  return ` ▽ ${nameOf(setting)} = ${value}: ${command ? 'command ' : ''}pending${since}: ${harmless(reason)}${more}`;
}

function pointLines({ points }: ShownLink, plan: Plan, now: Moment): string[] {
  const lines = points.all().map((point) => pointLine(point, plan, now.monotonicMs));
  if (lines.length === 0) return [`${INDENT}no points since this began`];
  return points.hasMore ? [...lines, `${INDENT}… and more points`] : lines;
}

function pointLine(point: SeenPoint, plan: Plan, nowMs: number): string {
  const arrow = point.direction === 'up' ? '▲' : '▼';
  const rate = point.rate(nowMs);
  return (
    padEnd(cut(` ${arrow} ${shownName(point)}`, plan.name - 1), plan.name) +
    padStart(valueWithUnit(point, plan.value), plan.value) +
    (plan.age > 0 ? padStart(ageText((nowMs - point.seenMs) / 1_000), plan.age) : '') +
    (plan.rate > 0 && rate > 0 ? padStart(rateText(rate), plan.rate) : '')
  );
}

/** The name that people gave it stands behind its type. */
const shownName = (point: SeenPoint): string =>
  point.info?.name === undefined
    ? nameOf(point)
    : `${nameOf(point)} (${harmless(point.info.name)})`;

function valueWithUnit(point: SeenPoint, columns: number): string {
  const unit = cut(unitText(point.info), Math.floor(columns / 2));
  return cutValue(point, columns - widthOf(unit)) + unit;
}

function cutValue({ value, bytes, deleted }: SeenPoint, columns: number): string {
  if (deleted) return '(deleted)';
  const isCut = 'text' in value && bytes !== undefined && bytes > Buffer.byteLength(value.text);
  const text = harmless(valueText(value));
  const end = bytes === undefined ? '' : ` ${bytes} bytes`;
  // What was cut before must not pass for the whole.
  return isCut ? cut(text.padEnd(columns + 1), columns, end) : cut(text, columns, end);
}

function ageText(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  const minutes = seconds / 60;
  if (minutes < 100) return `${Math.floor(minutes)} min`;
  const hours = minutes / 60;
  return hours < 100 ? `${Math.floor(hours)} h` : `${Math.floor(hours / 24)} d`;
}

const rateText = (rate: number): string => `${rate < 100 ? rate.toFixed(1) : rate.toFixed(0)}/s`;
