/** Points that were put in together, and the callback that waits for them. */
interface Waiter {
  readonly first: number;
  readonly next: number;
  readonly ms: number;
  /** Number of points that are not settled yet; also 0 when all are on disk. */
  left: number;
  readonly safe: () => void;
}

/**
 * Callbacks that wait until their points are safe: on disk or delivered, whichever
 * comes first. Each is called once.
 */
export class Waiters {
  #list: Waiter[] = [];
  #head = 0;
  /** Number of callbacks that have not been called. */
  #waiting = 0;

  get any(): boolean {
    return this.#waiting > 0;
  }

  /** Since when the oldest callback waits, ms of the monotonic clock. */
  get sinceMs(): number | undefined {
    for (let at = this.#head; at < this.#list.length; at++) {
      const waiter = this.#list[at];
      if (waiter !== undefined && waiter.left > 0) return waiter.ms;
    }
    return undefined;
  }

  /** Calls `safe` when the positions from `first` to `next` − 1 are safe; at once if there are none. */
  add(first: number, next: number, ms: number, safe: () => void): void {
    if (first === next) {
      safe();
      return;
    }
    this.#list.push({ first, next, ms, left: next - first, safe });
    this.#waiting += 1;
  }

  /**
   * The positions from `from` to `to` − 1 are settled. None of them was settled before. True:
   * a callback was waiting for that, and was called.
   */
  settled(from: number, to: number): boolean {
    const told: Waiter[] = [];
    for (let at = this.#endingAfter(from); at < this.#list.length; at++) {
      const waiter = this.#list[at];
      if (waiter === undefined || waiter.first >= to) break;
      if (waiter.left === 0) continue;
      waiter.left -= Math.min(waiter.next, to) - Math.max(waiter.first, from);
      if (waiter.left === 0) told.push(waiter);
    }
    this.#tell(told);
    return told.length > 0;
  }

  /** All positions before `through` are on disk or settled. */
  written(through: number): void {
    const told: Waiter[] = [];
    for (let at = this.#head; at < this.#list.length; at++) {
      const waiter = this.#list[at];
      if (waiter === undefined || waiter.next > through) break;
      if (waiter.left > 0) told.push(waiter);
      waiter.left = 0;
    }
    this.#tell(told);
  }

  #tell(told: readonly Waiter[]): void {
    while (this.#list[this.#head]?.left === 0) this.#head += 1;
    if (this.#head > 256 && this.#head * 2 > this.#list.length) {
      this.#list = this.#list.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#list.length) {
      this.#list.length = 0;
      this.#head = 0;
    }
    this.#waiting -= told.length;
    for (const { safe } of told) safe();
  }

  #endingAfter(position: number): number {
    let low = this.#head;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle]?.next ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
