import { textOf, type Point } from '../point/point.js';

/** Bytes of memory of a point without its texts: the object, its value, its time, its slot. */
const POINT_BYTES = 160;

/** Bytes of memory of a point; the estimate is rather too large. */
export function memoryOf(point: Point): number {
  return (
    POINT_BYTES +
    2 * (point.type.length + point.key.length + point.origin.length + textOf(point.value).length)
  );
}

/** A ring buffer of points by position. Its size is a power of two, and grows. */
export class PointRing {
  #slots: (Point | undefined)[] = new Array<Point | undefined>(64).fill(undefined);
  #mask = 63;

  /** Positions from `first` to `next` − 1 have a slot. A slot may be empty. */
  constructor(
    private start = 0,
    private end = start,
  ) {}

  get first(): number {
    return this.start;
  }

  get next(): number {
    return this.end;
  }

  push(point: Point): void {
    if (this.end - this.start > this.#mask) this.#grow();
    this.#slots[this.end & this.#mask] = point;
    this.end += 1;
  }

  get(position: number): Point | undefined {
    if (position < this.start || position >= this.end) return undefined;
    return this.#slots[position & this.#mask];
  }

  /** Takes the point out of its slot. */
  take(position: number): Point | undefined {
    const point = this.get(position);
    if (point !== undefined) this.#slots[position & this.#mask] = undefined;
    return point;
  }

  /** Removes all slots before that position. */
  dropBefore(position: number): void {
    const to = Math.min(position, this.end);
    for (; this.start < to; this.start++) this.#slots[this.start & this.#mask] = undefined;
  }

  #grow(): void {
    const mask = this.#mask * 2 + 1;
    const slots = new Array<Point | undefined>(mask + 1).fill(undefined);
    for (let at = this.start; at < this.end; at++) slots[at & mask] = this.#slots[at & this.#mask];
    this.#slots = slots;
    this.#mask = mask;
  }
}
