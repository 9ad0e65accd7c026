/**
 * Holds what happened in a soak against what is promised (docs/contract.md): pure, so
 * that its own tests can show it a made-up loss.
 */
import type { McuTimes } from '../../firmware-sim/mcu.js';
import { nameOf, type Entry, type EntryOf, type Named, type Part, type Value } from './journal.js';

export interface DeviceOutcome {
  readonly name: string;
  readonly node: string;
  readonly times: McuTimes;
  readonly acknowledges: boolean;
  /** What is in force in the device. */
  inForce(setting: Named): Value | undefined;
  /** Why the gateway has not brought it down yet, in its own words; `undefined`: it has. */
  pending(setting: Named): string | undefined;
  /** Packets that nobody has acknowledged, now that nothing is in the way. */
  readonly unacknowledged: number;
}

export interface Outcome {
  readonly entries: readonly Entry[];
  readonly devices: readonly DeviceOutcome[];
  /** Types that act once. */
  readonly commands: readonly string[];
  stored(node: string, point: Named): { readonly value: Value; readonly time: bigint } | undefined;
}

export interface Violation {
  readonly what: string;
  readonly device?: string;
  readonly node?: string;
  readonly point?: Named;
  /** The packet of the device that it is about. */
  readonly packet?: number;
}

export function violations(outcome: Outcome): Violation[] {
  const byDevice = outcome.devices.flatMap((device) => [
    ...lostPoints(outcome, device),
    ...lostSettings(outcome, device),
    ...repeatedCommands(outcome, device),
    ...owners(outcome, device),
    ...deaf(device),
  ]);
  return [...byDevice, ...ownEchoes(outcome), ...duplicateTimes(outcome), ...notLevel(outcome)];
}

const TIME_SYNC = 'timeSync';

const of = <K extends Entry['kind']>(entries: readonly Entry[], kind: K): EntryOf<K>[] =>
  entries.filter((entry): entry is EntryOf<K> => entry.kind === kind);

// (1) A point that the device saw acknowledged reaches SIOT.

interface Sent extends Named {
  readonly atMs: number;
  readonly packet: number;
  readonly value: Value;
  readonly time: bigint;
  readonly acknowledged: boolean;
}

function lostPoints({ entries, stored }: Outcome, device: DeviceOutcome): Violation[] {
  const acknowledged = new Set(
    of(entries, 'ended')
      .filter((entry) => entry.device === device.name && entry.outcome === 'acknowledged')
      .map(({ packet }) => packet),
  );
  const names = new Map<string, Sent[]>();
  for (const { atMs, device: from, packet, points } of of(entries, 'sent')) {
    if (from !== device.name) continue;
    for (const point of points) {
      const sent = names.get(nameOf(point)) ?? [];
      names.set(nameOf(point), sent);
      sent.push({ ...point, atMs, packet, acknowledged: acknowledged.has(packet) });
    }
  }
  return [...names.values()].flatMap((sent): Violation[] => {
    // With times of its own the latest counts, whenever it came; with the gateway's, the last.
    const dated = device.times === 'synced' && sent.every(({ time }) => time > 0n);
    const inOrder = dated
      ? sent.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
      : sent;
    const last = inOrder.findLastIndex((one) => one.acknowledged);
    const newest = inOrder[last];
    if (newest === undefined) return [];
    // What came after it, unacknowledged, may have arrived as well.
    const allowed = inOrder.slice(last).map(({ value }) => value);
    // What somebody wrote as the owner since then is as good as a report.
    allowed.push(...ownersValues(entries, device.name, newest, newest.atMs));
    const found = stored(device.node, newest);
    if (found !== undefined && allowed.includes(found.value)) return [];
    const what =
      found === undefined
        ? `${nameOf(newest)} = ${newest.value} was acknowledged to ${device.name} and is not in the store`
        : `${nameOf(newest)} = ${newest.value} was acknowledged to ${device.name}, and the store has ${found.value}`;
    const { type, key, packet } = newest;
    return [{ what, device: device.name, node: device.node, point: { type, key }, packet }];
  });
}

function deaf({ name, unacknowledged }: DeviceOutcome): Violation[] {
  if (unacknowledged === 0) return [];
  return [{ what: `${unacknowledged} packets of ${name} are not acknowledged`, device: name }];
}

// (2) A setting made in SIOT reaches the device, or its user can see that it has not.

function lostSettings({ entries, commands, stored }: Outcome, device: DeviceOutcome): Violation[] {
  // Sent once, and nobody knows what became of it: it is shown as unconfirmed.
  if (!device.acknowledges) return [];
  const last = new Map<string, EntryOf<'set'>>();
  for (const set of of(entries, 'set')) {
    if (set.device === device.name && !commands.includes(set.type)) last.set(nameOf(set), set);
  }
  return [...last.values()].flatMap((set): Violation[] => {
    const { type, key, value } = set;
    const point = { type, key };
    const inForce = device.inForce(point);
    if (inForce === value) return [];
    const shown = stored(device.node, point)?.value;
    // What is dated far ahead SIOT goes on showing, whatever is set and reported after it.
    const isShadowed = of(entries, 'set').some(
      (one) => one.device === device.name && nameOf(one) === nameOf(set) && one.clock === 'far',
    );
    const owners = ownersValues(entries, device.name, point, set.atMs);
    const isOwners = shown !== undefined && owners.includes(shown);
    const isShown = shown === inForce || isShadowed || isOwners;
    if (isShown && restartedUnseen(entries, device.name, set.atMs)) return [];
    const isLate = set.clock === 'slow' || (isShadowed && set.clock !== 'far');
    if (isLate && setUnheard(entries, device.name, set.atMs)) return [];
    const why = device.pending(point);
    const what =
      `${nameOf(point)} = ${value} was set, ${device.name} has ${String(inForce)}, and the store ${String(shown)}` +
      (why === undefined ? '' : `; pending: ${why}`);
    return [{ what, device: device.name, node: device.node, point }];
  });
}

/** What the gateway has learned of a device may not be on its disk yet when it is killed. */
const BEFORE_MS = 2_000;
/** From a port that opens to the first packet that was heard on it. */
const AFTER_MS = 1_000;
/** From the bus or the store being there to the node being read: the pauses of retries. */
const READ_WITHIN_MS = 6_000;
/** And to the node being listened to. */
const HEARS_WITHIN_MS = 2_000;

/**
 * Whether the device restarted, after `setMs`, and nobody could notice: then it
 * reports its own values, which take the place of settings, and SIOT shows them.
 * Nobody could if the gateway was not there to hear the device; or not there to
 * hear of the setting, before the device's report took its place in the store.
 */
function restartedUnseen(entries: readonly Entry[], device: string, setMs: number): boolean {
  const deaf = darkness(entries, device, ['gateway', 'line', 'voice']);
  const away = darkness(entries, device, ['gateway', 'bus', 'store']);
  return of(entries, 'started').some(({ device: which, atMs }) => {
    if (which !== device || atMs < setMs - AFTER_MS) return false;
    if (isWithin(deaf, atMs)) return true;
    return away.some((dark) => isWithin([dark], setMs) && atMs < dark[1] + READ_WITHIN_MS);
  });
}

/**
 * Whether a setting was made when the gateway could not hear of it. Where clocks are
 * odd it may be no later than what SIOT had: then SIOT does not tell of it later either.
 */
function setUnheard(entries: readonly Entry[], device: string, setMs: number): boolean {
  const deaf = darkness(entries, device, ['gateway', 'bus']);
  return deaf.some(([from, until]) => isWithin([[from, until + HEARS_WITHIN_MS]], setMs));
}

type Dark = readonly [fromMs: number, untilMs: number];

const isWithin = (dark: readonly Dark[], atMs: number): boolean =>
  dark.some(([from, until]) => atMs > from - BEFORE_MS && atMs < until + AFTER_MS);

/** When one of these was not there for the device; until the gateway has its port open again. */
function darkness(entries: readonly Entry[], device: string, parts: readonly Part[]): Dark[] {
  const dark: Dark[] = [];
  const since = new Map<Part, number>();
  const opened = of(entries, 'said')
    .filter(({ line }) => line.includes('port is open') && line.includes(`"link":"${device}"`))
    .map(({ atMs }) => atMs);
  for (const entry of entries) {
    if (entry.kind !== 'down' && entry.kind !== 'up') continue;
    const { what, atMs } = entry;
    if (!parts.includes(what) || (entry.device ?? device) !== device) continue;
    if (entry.kind === 'down') {
      since.set(what, atMs);
      continue;
    }
    const opens = what === 'gateway' || what === 'line';
    const untilMs = opens ? (opened.find((ms) => ms > atMs) ?? Number.POSITIVE_INFINITY) : atMs;
    dark.push([since.get(what) ?? 0, untilMs]);
  }
  return dark;
}

// What somebody writes as the node's owner is no setting, and is told.

/** The clocks of devices and of the machine agree so far. */
const CLOCKS_MS = 1_000;

function ownersValues(
  entries: readonly Entry[],
  device: string,
  point: Named,
  sinceMs: number,
): Value[] {
  return of(entries, 'owner')
    .filter((entry) => entry.device === device && nameOf(entry) === nameOf(point))
    .filter(({ atMs }) => atMs >= sinceMs - CLOCKS_MS)
    .map(({ value }) => value);
}

function owners({ entries }: Outcome, { name, node }: DeviceOutcome): Violation[] {
  const written = of(entries, 'owner').filter(({ device }) => device === name);
  const values = new Set(written.map(({ value }) => value));
  const found = of(entries, 'applied')
    .filter(({ device, value }) => device === name && values.has(value))
    .map(({ type, key, value }): Violation => ({
      what: `${name} was sent ${type} = ${value}, which somebody had written as the owner of its node`,
      device: name,
      node,
      point: { type, key },
    }));
  const away = darkness(entries, name, ['gateway', 'bus']);
  const isAway = (atMs: number): boolean =>
    away.some(([from, until]) => atMs > from - BEFORE_MS && atMs < until + READ_WITHIN_MS);
  const heard = written.some(({ type, atMs }) => type === 'connected' && !isAway(atMs));
  const told = of(entries, 'said').some(
    ({ line }) => line.includes('as its owner') && line.includes(`"link":"${name}"`),
  );
  if (!heard || told) return found;
  const what = `somebody wrote \`connected\` of ${name} as its owner, and the log does not say so`;
  return [...found, { what, device: name, node, point: { type: 'connected', key: '0' } }];
}

// A command acts once.

function repeatedCommands({ entries, commands }: Outcome, device: DeviceOutcome): Violation[] {
  const acted = new Set<string>();
  const found: Violation[] = [];
  for (const entry of entries) {
    if (!('device' in entry) || entry.device !== device.name) continue;
    // What it has forgotten, with its ack still on the line, it may be told again.
    if (entry.kind === 'started') acted.clear();
    if (entry.kind !== 'applied' || !commands.includes(entry.type)) continue;
    const { type, key, value } = entry;
    const id = `${nameOf(entry)} = ${value}`;
    if (acted.has(id)) {
      found.push({
        what: `${device.name} acted twice on ${id}`,
        device: device.name,
        point: { type, key },
      });
    }
    acted.add(id);
  }
  return found;
}

// What the gateway itself has sent is no point of a device.

function ownEchoes({ entries, devices }: Outcome): Violation[] {
  return of(entries, 'published')
    .filter(({ type, origin }) => type === TIME_SYNC && origin === '')
    .map(({ node, type, key }) => {
      const device = devices.find((one) => one.node === node)?.name ?? node;
      return {
        what: `the ${TIME_SYNC} sent to ${device} was published as its own`,
        device,
        node,
        point: { type, key },
      };
    });
}

// Two values of one point at one time by its owner: nobody could tell which is the newer.

function duplicateTimes({ entries, devices }: Outcome): Violation[] {
  const seen = new Map<string, EntryOf<'published'>>();
  const found = new Map<string, Violation>();
  for (const entry of of(entries, 'published')) {
    const { node, type, key } = entry;
    const id = `${node} ${nameOf(entry)} @${entry.time}`;
    // Whose clock ticks slowly sets several values at one time.
    if (entry.origin !== '') continue;
    const before = seen.get(id);
    if (before === undefined) seen.set(id, entry);
    else if (before.value !== entry.value || before.tombstone !== entry.tombstone) {
      const device = devices.find((one) => one.node === node)?.name;
      const what = `${id} was published as ${before.value} and as ${entry.value}`;
      found.set(id, {
        what,
        node,
        point: { type, key },
        ...(device === undefined ? {} : { device }),
      });
    }
  }
  return [...found.values()];
}

// Memory and descriptors are level.

/**
 * Within one life of the gateway: the least of the last third of its quiet
 * moments, against the most of the first. What is held for a moment is no leak,
 * and what lies side by side tells of none: a gateway that has just begun still
 * opens what it needs.
 */
const APART_MS = 10_000;
const MORE_FILES = 6;
const MORE_MB = 40;
const MOST_MB = 160;

/** 0 for none. */
const least = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 0 : Math.min(...numbers);

function notLevel({ entries }: Outcome): Violation[] {
  const lives = new Map<number, EntryOf<'quiet'>[]>();
  for (const moment of of(entries, 'quiet')) {
    lives.set(moment.life, [...(lives.get(moment.life) ?? []), moment]);
  }
  return [...lives].flatMap(([life, moments]): Violation[] => {
    const third = Math.ceil(moments.length / 3);
    const from = moments.slice(0, third);
    const to = moments.slice(-third);
    if ((to[0]?.atMs ?? 0) - (from.at(-1)?.atMs ?? 0) < APART_MS) return [];
    const found: Violation[] = [];
    const grown = (what: string, before: number, after: number, allowed: number): void => {
      if (after <= allowed) return;
      const [first, last] = [from[0]?.atMs ?? 0, to.at(-1)?.atMs ?? 0].map((ms) =>
        (ms / 1000).toFixed(0),
      );
      found.push({
        what: `life ${life} had ${before.toFixed(0)} ${what} about ${first} s and ${after.toFixed(0)} about ${last} s`,
      });
    };
    const files = Math.max(...from.map((moment) => moment.files));
    grown('descriptors', files, least(to.map((moment) => moment.files)), files + MORE_FILES);
    const mb = Math.max(...from.map(({ rssMb }) => rssMb));
    const allowedMb = Math.min(MOST_MB, mb + MORE_MB);
    grown('MB', mb, least(to.map(({ rssMb }) => rssMb)), allowedMb);
    return found;
  });
}
