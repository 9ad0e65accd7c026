/**
 * What is known of the points of one node: what the configuration says, and what the
 * device announces (docs/contract.md, "What points are"). What is used of a point is,
 * field by field, the first that there is of
 *
 * 1. the configuration for its type and key, 2. for its type,
 * 3. the device for its type and key, 4. for its type.
 */
import { readAnnouncement, whyNotAnnounced } from '../../point/point-announcement.js';
import {
  mergePointInfo,
  pointTarget,
  type PointInfo,
  type PointTarget,
} from '../../point/point-info.js';
import {
  NO_SCALE,
  fromDevice,
  pointScale,
  toDevice,
  type PointScale,
} from '../../point/point-scale.js';
import {
  canonicalKey,
  hashValue,
  isDeleted,
  stringValue,
  textOf,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { POINT_INFO_TYPE } from '../../point/reserved.js';
import type { Log } from '../../point/log.js';
import type { Counters } from './counters.js';

/** Characters of all that a device announces, together. */
export const ANNOUNCED_CHARACTERS = 262_144;

/** Mistakes of a device's announcements that are told: each one once. */
export const MOST_TOLD = 100;

/** Something is known of a point, or of all points of a type. */
export interface KnownTarget extends PointTarget {
  readonly info: PointInfo;
}

/** Hears of changes. */
export interface PointInfosListener {
  /** This is known of the points of a type now, and of no others of it. */
  infoChanged(type: string, known: Iterable<KnownTarget>): void;
}

/** What a device has announced of one target. */
interface Announced {
  readonly text: string;
  readonly info: PointInfo;
  /** A part of it cannot be used. */
  readonly isBad: boolean;
}

/** What is used of one point. */
interface Known {
  readonly info: PointInfo;
  readonly scale: PointScale | undefined;
}

/** Everything about one type. */
interface TypeInfos {
  /** By the key; `undefined`: for all keys. */
  readonly configured: Map<string | undefined, PointInfo>;
  readonly announced: Map<string | undefined, Announced>;
  /** What is used of each point that was asked for. */
  readonly known: Map<string | undefined, Known | undefined>;
}

/** What is known of the points of one node. */
export class PointInfos {
  readonly #types = new Map<string, TypeInfos>();
  /** Announcements that are kept. */
  #count = 0;
  /** Of these announcements. */
  #characters = 0;
  #hash = 0;
  /** Some point has a scale, or had one. */
  #hasScales = false;
  #fullSaid = false;
  /** What was told of wrong announcements. */
  readonly #told = new Set<string>();

  constructor(
    configured: Readonly<Record<string, PointInfo>>,
    /** Most announcements that are kept. */
    private readonly limit: number,
    private readonly counters: Pick<Counters, 'notice'>,
    private readonly log: Log,
    /** Something has changed that is to be kept. */
    private readonly changed: () => void,
    private readonly listener: PointInfosListener,
  ) {
    for (const [name, info] of Object.entries(configured)) {
      const { type, key } = targetOf(name);
      this.#typeOf(type).configured.set(key, info);
      this.#hasScales ||= info.scale !== undefined;
      this.#mix('configured', name, JSON.stringify(info));
    }
    this.#tellListener(this.#types.keys());
  }

  /** Changes with what is known; the same after a restart of the gateway. `undefined`: nothing is known. */
  get version(): string | undefined {
    return this.#types.size === 0 ? undefined : (this.#hash >>> 0).toString(16);
  }

  /** What is known of a point; `undefined`: nothing. */
  of(type: string, key: string): PointInfo | undefined {
    return this.#known(type, canonicalKey(key))?.info;
  }

  /** Everything that is known, by targets: what holds for all keys of a type stands before those keys. */
  *all(): Generator<KnownTarget, undefined> {
    for (const type of this.#types.keys()) yield* this.ofType(type);
    return undefined;
  }

  /** As {@link all}, of one type. */
  *ofType(type: string): Generator<KnownTarget, undefined> {
    const infos = this.#types.get(type);
    const keys = new Set([...(infos?.configured.keys() ?? []), ...(infos?.announced.keys() ?? [])]);
    const own = [...keys].filter((key) => key !== undefined);
    for (const key of keys.has(undefined) ? [undefined, ...own] : own) {
      const info = this.#known(type, key)?.info ?? {};
      if (Object.keys(info).length > 0) yield { type, key, info };
    }
    return undefined;
  }

  /**
   * Points of the device, as they came: those of type `pointInfo` are learned. True: it
   * has announced something else than before. Hot.
   */
  heard(points: readonly Point[]): boolean {
    let types: Set<string> | undefined;
    for (const point of points) {
      if (point.type !== POINT_INFO_TYPE || !this.#learn(point)) continue;
      types ??= new Set();
      types.add(pointTarget(point.key).type);
    }
    if (types === undefined) return false;
    this.changed();
    this.#tellListener(types);
    return true;
  }

  /** A point of the device as SIOT shows it. Hot. */
  fromDevice(point: Point): Point {
    if (!this.#hasScales) return point;
    const scale = this.#known(point.type, canonicalKey(point.key))?.scale;
    return scale === undefined ? point : { ...point, value: fromDevice(point.value, scale) };
  }

  /** By which the numbers of a point go to the device and come from it. */
  scaleOf(type: string, key: string): number {
    if (!this.#hasScales) return NO_SCALE;
    return this.#known(type, canonicalKey(key))?.info.scale ?? NO_SCALE;
  }

  /** A value of SIOT as the device says it. */
  toDevice(type: string, key: string, value: PointValue): PointValue {
    if (!this.#hasScales) return value;
    const scale = this.#known(type, canonicalKey(key))?.scale;
    return scale === undefined ? value : toDevice(value, scale);
  }

  /** What {@link restore} takes: the text of each announcement, by its key. */
  record(): Readonly<Record<string, string>> {
    const record: [string, string][] = [];
    for (const [type, { announced }] of this.#types) {
      for (const [key, { text }] of announced) record.push([nameOf(type, key), text]);
    }
    return Object.fromEntries(record);
  }

  /** What the device has announced to an earlier run of the gateway. */
  restore(record: Readonly<Record<string, string>>): void {
    const types = new Set<string>();
    for (const [name, text] of Object.entries(record)) {
      if (whyNotAnnounced(name) !== undefined) continue;
      this.#put(name, text);
      types.add(pointTarget(name).type);
    }
    this.#tellListener(types);
  }

  /** Once for each type: it is told all that is known of it. */
  #tellListener(types: Iterable<string>): void {
    for (const type of types) this.listener.infoChanged(type, this.ofType(type));
  }

  /** True: it is something else than before. */
  #learn({ key: name, value, tombstone }: Point): boolean {
    const why = whyNotAnnounced(name);
    if (why !== undefined) {
      this.#tellBad(name, [why]);
      return false;
    }
    const text = isDeleted({ tombstone }) ? '' : textOf(value);
    const { type, key } = targetOf(name);
    const before = this.#types.get(type)?.announced.get(key);
    if (text === (before?.text ?? '')) {
      if (before?.isBad === true) this.counters.notice('badPointInfo');
      return false;
    }
    const problems = this.#put(name, text);
    if (problems === 'full') {
      this.#tellFull(name);
      return false;
    }
    if (problems.length > 0) this.#tellBad(name, problems);
    return true;
  }

  /** Keeps an announcement, or forgets it where it is blank. Returns what of it cannot be used. */
  #put(name: string, text: string): readonly string[] | 'full' {
    const { type, key } = targetOf(name);
    const before = this.#types.get(type)?.announced.get(key);
    const characters = this.#characters + text.length - (before?.text.length ?? 0);
    const isMore = before === undefined && this.#count >= this.limit;
    if (text !== '' && (isMore || characters > ANNOUNCED_CHARACTERS)) return 'full';
    this.#characters = characters;
    const infos = this.#typeOf(type);
    // What is known of the type is a part of what is known of each key.
    if (key === undefined) infos.known.clear();
    else infos.known.delete(key);
    if (before !== undefined) {
      infos.announced.delete(key);
      this.#count -= 1;
      this.#mix('announced', name, before.text);
    }
    if (text === '') {
      if (infos.announced.size + infos.configured.size === 0) this.#types.delete(type);
      return [];
    }
    const { info, problems } = readAnnouncement(text);
    infos.announced.set(key, { text, info, isBad: problems.length > 0 });
    this.#count += 1;
    this.#hasScales ||= info.scale !== undefined;
    this.#mix('announced', name, text);
    return problems;
  }

  #tellFull(name: string): void {
    this.counters.notice('badPointInfo');
    if (this.#fullSaid) return;
    this.#fullSaid = true;
    this.log.warn(
      { pointInfo: name },
      'the device announces more of its points than there is room for: the rest is left out',
    );
  }

  #tellBad(name: string, problems: readonly string[]): void {
    this.counters.notice('badPointInfo');
    const mistake = [name, ...problems].join('\n');
    if (this.#told.has(mistake) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(mistake);
    this.log.warn(
      { pointInfo: name, problems },
      'the device announces something of its points that cannot be used: the rest is used',
    );
  }

  /** What is used of a point; `key` undefined: of all keys of its type. */
  #known(type: string, key: string | undefined): Known | undefined {
    const infos = this.#types.get(type);
    if (infos === undefined) return undefined;
    const { configured, announced, known } = infos;
    // Keys of which nothing is said by themselves share what is known of the type.
    const own = configured.has(key) || announced.has(key) ? key : undefined;
    if (!known.has(own)) known.set(own, knownOf(infos, own));
    return known.get(own);
  }

  #typeOf(type: string): TypeInfos {
    let infos = this.#types.get(type);
    if (infos === undefined) {
      infos = { configured: new Map(), announced: new Map(), known: new Map() };
      this.#types.set(type, infos);
    }
    return infos;
  }

  /** Adds to the hash what is known, or takes it out again. */
  #mix(source: string, name: string, text: string): void {
    this.#hash ^= hashValue(stringValue(`${source} ${name} ${text}`));
  }
}

function knownOf({ configured, announced }: TypeInfos, key: string | undefined): Known | undefined {
  const layers = [
    key === undefined ? undefined : configured.get(key),
    configured.get(undefined),
    key === undefined ? undefined : announced.get(key)?.info,
    announced.get(undefined)?.info,
  ].filter((layer) => layer !== undefined);
  if (layers.length === 0) return undefined;
  const info = layers.reduce(mergePointInfo, {});
  return { info, scale: info.scale === undefined ? undefined : pointScale(info.scale) };
}

/** "" and "0" are one key, with a slash or without it. */
function targetOf(name: string): PointTarget {
  const { type, key } = pointTarget(name);
  return { type, key: key === undefined ? undefined : canonicalKey(key) };
}

const nameOf = (type: string, key: string | undefined): string =>
  key === undefined ? type : `${type}/${key}`;
