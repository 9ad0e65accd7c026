/** The points that `watch` and the demo have seen: of each the latest value, and how often it comes. */
import { canonicalKey, isDeleted, type Point, type PointValue } from '../point/point.js';
import type { PointInfo } from '../point/point-info.js';
import { isReservedType } from '../point/reserved.js';
import type { Direction } from './watch-lines.js';

/** Points of a link beyond these are only counted: more than a terminal shows. */
const MOST_ROWS = 500;
/** Characters of a long text that are kept. */
const MOST_TEXT = 300;
const BUCKET_MS = 500;
/** The rate is that of so many buckets before the present one. */
const BUCKETS = 10;

type SeenInfo = Pick<PointInfo, 'name' | 'unit'>;

/** A point that was seen. */
export class SeenPoint {
  readonly type: string;
  readonly key: string;
  /** A long text is cut. */
  value: PointValue;
  /** Of a text, in UTF-8. */
  bytes: number | undefined;
  deleted: boolean;
  /** What is known of it. */
  info: SeenInfo | undefined;
  /** ms, monotonic. */
  seenMs: number;
  readonly #firstMs: number;
  readonly #counts = new Uint32Array(BUCKETS + 1);
  #bucket: number;

  constructor(
    readonly direction: Direction,
    point: Point,
    nowMs: number,
    info: SeenInfo | undefined,
  ) {
    this.info = info;
    this.type = point.type;
    this.key = canonicalKey(point.key);
    [this.value, this.bytes] = shortened(point.value);
    this.deleted = isDeleted(point);
    this.seenMs = nowMs;
    this.#firstMs = nowMs;
    this.#bucket = Math.floor(nowMs / BUCKET_MS);
  }

  again(point: Point, nowMs: number, info: SeenInfo | undefined): void {
    this.info = info;
    [this.value, this.bytes] = shortened(point.value);
    this.deleted = isDeleted(point);
    this.seenMs = nowMs;
    this.#moveTo(nowMs);
    const at = this.#bucket % this.#counts.length;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Arrivals a second, over the last 5 s or since it was seen first; 0 in the first second. */
  rate(nowMs: number): number {
    this.#moveTo(nowMs);
    const beginMs = Math.max(this.#firstMs, (this.#bucket - BUCKETS) * BUCKET_MS);
    const spanMs = this.#bucket * BUCKET_MS - beginMs;
    if (spanMs < BUCKET_MS) return 0;
    let sum = 0;
    for (const count of this.#counts) sum += count;
    const present = this.#counts[this.#bucket % this.#counts.length] ?? 0;
    return ((sum - present) * 1_000) / spanMs;
  }

  /** Empties the buckets between the last arrival and now. */
  #moveTo(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const { length } = this.#counts;
    const first = Math.max(this.#bucket + 1, bucket - length + 1);
    for (let at = first; at <= bucket; at += 1) this.#counts[at % length] = 0;
    this.#bucket = Math.max(this.#bucket, bucket);
  }
}

function shortened(value: PointValue): [value: PointValue, bytes: number | undefined] {
  if (value.kind !== 'string' && value.kind !== 'json') return [value, undefined];
  const { kind, text } = value;
  return [{ kind, text: text.slice(0, MOST_TEXT) }, Buffer.byteLength(text)];
}

/** The points of one link, in an order that does not change: the device's by name, then the gateway's own. */
export class LinkPoints {
  readonly #points = new Map<string, SeenPoint>();
  #sorted: readonly SeenPoint[] | undefined;
  #hasMore = false;

  seen(direction: Direction, point: Point, nowMs: number, info?: SeenInfo): void {
    const id = `${direction} ${point.type} ${canonicalKey(point.key)}`;
    const before = this.#points.get(id);
    if (before !== undefined) {
      before.again(point, nowMs, info);
    } else if (this.#points.size < MOST_ROWS) {
      this.#points.set(id, new SeenPoint(direction, point, nowMs, info));
      this.#sorted = undefined;
    } else {
      this.#hasMore = true;
    }
  }

  /** Points were seen that are not kept: there are too many. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  all(): readonly SeenPoint[] {
    this.#sorted ??= [...this.#points.values()].sort(byName);
    return this.#sorted;
  }
}

const { compare } = new Intl.Collator('en', { numeric: true });

const byName = (a: SeenPoint, b: SeenPoint): number =>
  Number(isReservedType(a.type)) - Number(isReservedType(b.type)) ||
  compare(a.type, b.type) ||
  compare(a.key, b.key) ||
  compare(b.direction, a.direction);
