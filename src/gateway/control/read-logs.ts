import type { Clock } from '../../point/clock.js';
import { NS_PER_MS } from '../../point/clock.js';
import type { LogRing, PlacedLine } from '../../session/node/log-ring.js';
import type { LogEntry, LogPlace, LogsReply, LogsRequest } from './control.js';

/** Maximum size of a reply: to write a longer one would keep devices waiting. */
const MOST_BYTES = 65_536;
/** A line has some bytes at least. */
const MOST_LINES = 2_000;
/** Room for what is not a line. */
const HEAD_BYTES = 512;

/** The first lines of what is asked for. `mostBytes`: of the reply as JSON. */
export function readLogs(
  ring: LogRing,
  { sinceMs, level, after }: LogsRequest,
  mostBytes: number,
  clock: Clock,
): LogsReply {
  const isSame = after?.of === ring.id;
  // After a restart of the gateway the places are others, and the times are the same.
  const laterNs = after === undefined || isSame ? undefined : BigInt(after.time) + 1n;
  const sinceNs =
    sinceMs === undefined ? undefined : clock.wallNs() - BigInt(Math.round(sinceMs)) * NS_PER_MS;
  const from = isSame ? after.place : undefined;
  const read = ring.read({ from, level, sinceNs: laterNs ?? sinceNs }, MOST_LINES);
  const room = Math.min(mostBytes, MOST_BYTES) - HEAD_BYTES;
  const fitting = linesWithin(read.lines, room);
  const cut = read.lines[fitting.length];
  const place = cut?.place ?? read.next;
  const time = fitting.at(-1)?.time ?? after?.time ?? '0';
  const next: LogPlace = { of: ring.id, place, time };
  return { state: 'logs', lines: fitting, next, more: place < ring.next, lost: read.lost };
}

/** The first lines that fit, and one at least. */
function linesWithin(lines: readonly PlacedLine[], mostBytes: number): LogEntry[] {
  const entries: LogEntry[] = [];
  let left = mostBytes;
  for (const { line } of lines) {
    const { ns, level = null, text } = line;
    const entry: LogEntry = { time: String(ns), level, text };
    left -= Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (left < 0 && entries.length > 0) break;
    entries.push(entry);
  }
  return entries;
}
