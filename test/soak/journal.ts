/** What happened in a soak, in order: the input of the checker and of transcripts. */
import { seconds } from './plan.js';

export type Value = number | string;

export interface Named {
  readonly type: string;
  readonly key: string;
}

/** Of who sets something: `far` is years ahead, `slow` ticks every 4 s, as that of SIOT's page. */
export type ClientClock = 'good' | 'far' | 'slow';

export type Entry = { readonly atMs: number } & (
  | /** A packet's points, when the device makes it. Times as it wrote them; 0 if it has none. */
    {
      readonly kind: 'sent';
      readonly device: string;
      readonly packet: number;
      readonly points: readonly (Named & { readonly value: Value; readonly time: bigint })[];
    }
  | {
      readonly kind: 'ended';
      readonly device: string;
      readonly packet: number;
      readonly outcome: string;
      readonly transmissions: number;
    }
  /** A client has set it, and the store has said that it has it. */
  | ({
      readonly kind: 'set';
      readonly device: string;
      readonly value: Value;
      readonly clock?: ClientClock;
    } & Named)
  /** Somebody writes it as the node's owner; perhaps the store gets it. */
  | ({ readonly kind: 'owner'; readonly device: string; readonly value: Value } & Named)
  /** The device has taken a setting, or acted on a command. */
  | ({ readonly kind: 'applied'; readonly device: string; readonly value: Value } & Named)
  | { readonly kind: 'started'; readonly device: string }
  /** Seen on the bus. */
  | ({
      readonly kind: 'published';
      readonly node: string;
      readonly value: Value;
      readonly time: bigint;
      readonly origin: string;
      readonly tombstone: number;
    } & Named)
  /** Something is not there until `up`: the gateway, the bus, the store, a device's line. */
  | { readonly kind: 'down' | 'up'; readonly what: Part; readonly device?: string }
  | {
      readonly kind: 'quiet';
      readonly life: number;
      readonly rssMb: number;
      readonly files: number;
    }
  | { readonly kind: 'said'; readonly line: string }
);

/** `voice`: the line is there, and nothing passes. */
export type Part = 'gateway' | 'bus' | 'store' | 'line' | 'voice';

/** One of {@link Entry}'s kinds. */
export type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>;

export class Journal {
  readonly entries: Entry[] = [];
  readonly #startMs = performance.now();

  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  add(entry: WithoutTime<Entry>): void {
    this.entries.push({ atMs: this.nowMs, ...entry });
  }

  of<K extends Entry['kind']>(kind: K): EntryOf<K>[] {
    return this.entries.filter((entry): entry is EntryOf<K> => entry.kind === kind);
  }
}

type WithoutTime<E> = E extends unknown ? Omit<E, 'atMs'> : never;

/** "" and "0" are one key (docs/siot.md, 1.2). */
export const nameOf = ({ type, key }: Named): string => `${type}/${key === '' ? '0' : key}`;

/** A line for people. */
export function describe(entry: Entry): string {
  return `${seconds(entry.atMs)} ${words(entry)}`;
}

function words(entry: Entry): string {
  switch (entry.kind) {
    case 'sent': {
      const points = entry.points.map(
        (point) => `${nameOf(point)} = ${point.value}${at(point.time)}`,
      );
      return `${entry.device} sends packet ${entry.packet}: ${points.join(', ')}`;
    }
    case 'ended':
      return `${entry.device} packet ${entry.packet}: ${entry.outcome} after ${entry.transmissions} transmissions`;
    case 'set':
      return `a client sets ${nameOf(entry)} = ${entry.value} of ${entry.device}${by(entry.clock)}, and the store has it`;
    case 'owner':
      return `somebody writes ${nameOf(entry)} = ${entry.value} of ${entry.device} as its owner`;
    case 'applied':
      return `${entry.device} takes ${nameOf(entry)} = ${entry.value}`;
    case 'started':
      return `${entry.device} has started`;
    case 'published': {
      const who = entry.origin === '' ? '' : ` by ${entry.origin}`;
      return `bus: ${nameOf(entry)} = ${entry.value}${at(entry.time)}${who}`;
    }
    case 'down':
    case 'up':
      return `${entry.what}${entry.device === undefined ? '' : ` of ${entry.device}`} ${entry.kind === 'up' ? 'is there' : 'is gone'}`;
    case 'quiet':
      return `life ${entry.life} of the gateway: ${entry.rssMb.toFixed(0)} MB, ${entry.files} descriptors`;
    case 'said':
      return `gateway: ${entry.line}`;
  }
}

/** A line of the log is of one link, or of all. */
const isAbout = (line: string, device: string | undefined): boolean =>
  device === undefined || !line.includes('"link":') || line.includes(`"link":"${device}"`);

const by = (clock: ClientClock = 'good'): string =>
  clock === 'good' ? '' : ` by a ${clock} clock`;

const at = (time: bigint): string => (time === 0n ? '' : ` @${time}`);

/** Lines of a transcript; the middle of a longer one says least. */
const LONGEST = 60;
const AROUND_MS = 2_000;

/** All that has to do with one point of one device, and what happened to the gateway meanwhile. */
export function transcript(
  entries: readonly Entry[],
  about: {
    readonly device?: string;
    readonly node?: string;
    readonly point?: Named;
    readonly packet?: number;
  },
): string[] {
  const wanted = about.point === undefined ? undefined : nameOf(about.point);
  const packets = new Set<number>(about.packet === undefined ? [] : [about.packet]);
  const direct = (entry: Entry): boolean => {
    switch (entry.kind) {
      case 'sent':
        if (entry.device !== about.device) return false;
        if (wanted !== undefined && !entry.points.some((point) => nameOf(point) === wanted))
          return false;
        packets.add(entry.packet);
        return true;
      case 'ended':
        return entry.device === about.device && packets.has(entry.packet);
      case 'set':
      case 'owner':
      case 'applied':
        return entry.device === about.device && nameOf(entry) === wanted;
      case 'published':
        return entry.node === about.node && nameOf(entry) === wanted;
      default:
        return false;
    }
  };
  const found = new Set(entries.filter(direct));
  const times = [...found].map(({ atMs }) => atMs);
  const fromMs = Math.min(...times) - AROUND_MS;
  const lastMs = Math.max(...times);
  // What took it away may have come much later.
  const next = entries.find(({ kind, atMs }) => kind === 'down' && atMs > lastMs);
  const untilMs = Math.max(lastMs + AROUND_MS, next?.atMs ?? 0);
  const around = ({ atMs, ...entry }: Entry): boolean => {
    if (atMs < fromMs || atMs > untilMs) return false;
    if (entry.kind === 'said') return isAbout(entry.line, about.device);
    if (entry.kind === 'started') return entry.device === about.device;
    if (entry.kind !== 'down' && entry.kind !== 'up') return false;
    return entry.device === undefined || entry.device === about.device;
  };
  const lines = entries
    .filter((entry) => found.has(entry) || around(entry))
    .map((entry) => {
      if (entry.kind !== 'sent' || wanted === undefined) return describe(entry);
      return describe({
        ...entry,
        points: entry.points.filter((point) => nameOf(point) === wanted),
      });
    });
  if (lines.length <= LONGEST) return lines;
  const half = LONGEST / 2;
  const left = lines.length - LONGEST;
  return [...lines.slice(0, half), `         … ${left} more …`, ...lines.slice(-half)];
}
