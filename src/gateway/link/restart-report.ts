/**
 * What is kept of a restart of a device, as a text for people:
 *
 * ```
 *  The device of link "pump" has restarted
 *  time:    2026-01-02T03:04:05.678Z
 *  because: its uptime has fallen from 8123 to 2
 *  panic:   Guru Meditation Error: Core  0 panic'ed (LoadProhibited). …
 *
 *  Log lines before it: 212
 *  2026-01-02T03:04:04.567Z error Guru Meditation Error: …
 *
 *  Packets before it: 64
 *  2026-01-02T03:04:03.456Z up   sequence 12, 57 bytes: temp/motor=23.5
 *      0c 00 00 …
 * ```
 *
 * Of a console, in place of its packets:
 *
 * ```
 *  Lines of the console before it, both ways: 64
 *  2026-01-02T03:04:03.456Z down p setpoint 0 FLT 5 2026-01-02T03:04:03.450000000Z
 *  2026-01-02T03:04:03.460Z up   pt setpoint 0 FLT 5
 * ```
 */
import { readText } from '../../packet/text.js';
import { NS_PER_MS } from '../../point/clock.js';
import { excerpt } from '../../point/excerpt.js';
import type { DeviceRestart, RecentPacket } from '../../session/device-session.js';
import type { LogLine } from '../../session/node/log-ring.js';
import type { RecentUnit } from '../../session/node/recent-traffic.js';
import { withoutEscapes } from '../../session/node/log-text.js';

/** What a report is made of. */
export interface RestartFacts {
  readonly link: string;
  /** ns since 1970, UTC. */
  readonly ns: bigint;
  readonly restart: DeviceRestart;
  /** First line of a panic dump that came shortly before. */
  readonly panic: string | undefined;
  /** Restarts before this one of which no report was kept. */
  readonly leftOut: number;
  readonly lines: readonly LogLine[];
}

const TIME = 'time:    ';
const BECAUSE = 'because: ';
const BYTES_A_LINE = 32;
const LEVEL_WIDTH = 5;
const LONGEST_PANIC = 200;

export function restartReport(facts: RestartFacts): string {
  const { link, ns, restart, panic, leftOut, lines } = facts;
  return [
    `The device of link ${JSON.stringify(link)} has restarted`,
    `${TIME}${timeText(ns)}`,
    `${BECAUSE}${restart.why}`,
    ...(panic === undefined ? [] : [`panic:   ${panic}`]),
    ...(leftOut === 0
      ? []
      : [`before:  ${leftOut} restarts of which nothing was kept, since there were too many`]),
    '',
    `Log lines before it: ${lines.length}`,
    ...lines.map(lineText),
    ...trafficText(restart),
    '',
  ].join('\n');
}

/** What a report says first. */
interface ReportHead {
  /** ns since 1970, UTC. */
  readonly ns: bigint;
  readonly why: string;
}

/** When, and why a device was thought to have restarted, as a report says it; `undefined`: it is no report. */
export function headOf(report: string): ReportHead | undefined {
  const lines = report.split('\n', 4);
  const said = (label: string): string | undefined =>
    lines.find((line) => line.startsWith(label))?.slice(label.length);
  const why = said(BECAUSE);
  const ms = Date.parse(said(TIME) ?? '');
  return why === undefined || Number.isNaN(ms) ? undefined : { ns: BigInt(ms) * NS_PER_MS, why };
}

/** The value of the point `gatewayRestart`. `file`: its name below `stateDir`, or why there is none. */
export function restartText(
  { why }: DeviceRestart,
  panic: string | undefined,
  file: string,
): string {
  const after = panic === undefined ? '' : `, after a panic (${excerpt(panic, LONGEST_PANIC)})`;
  return `${why}${after}; ${file}`;
}

const timeText = (ns: bigint): string => new Date(Number(ns / NS_PER_MS)).toISOString();

const lineText = ({ ns, level, text }: LogLine): string =>
  `${timeText(ns)} ${(level ?? '').padEnd(LEVEL_WIDTH)} ${text}`;

function trafficText({ packets, lines }: DeviceRestart): string[] {
  return [
    ...(packets === undefined
      ? []
      : ['', `Packets before it: ${packets.length}`, ...packets.flatMap(packetText)]),
    ...(lines === undefined
      ? []
      : ['', `Lines of the console before it, both ways: ${lines.length}`, ...lines.map(unitText)]),
  ];
}

function unitText({ ns, direction, length, bytes }: RecentUnit): string {
  const text = oneLine(readText(bytes, 0, bytes.length));
  const cut = bytes.length < length ? ` … (${length} bytes)` : '';
  return `${timeText(ns)} ${direction.padEnd(4)} ${text}${cut}`;
}

function packetText(packet: RecentPacket): string[] {
  const { ns, direction, sequence, subject, length, content, bytes } = packet;
  const name = subject === '' ? '' : `${oneLine(subject)} `;
  const said = content === '' ? '' : `: ${oneLine(content)}`;
  const cut = bytes.length < length ? ` (the first ${bytes.length} below)` : '';
  const head = `${timeText(ns)} ${direction.padEnd(4)} ${name}sequence ${sequence}, ${length} bytes${cut}${said}`;
  const hex = Array.from({ length: Math.ceil(bytes.length / BYTES_A_LINE) }, (_, row) => {
    const part = bytes.subarray(row * BYTES_A_LINE, (row + 1) * BYTES_A_LINE);
    return `    ${Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
  });
  return [head, ...hex];
}

const oneLine = (text: string): string => withoutEscapes(text).replaceAll(/[\r\n]+/g, ' ');
