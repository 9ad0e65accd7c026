/** Points that were put in together, and who waits for their safety. */
interface Waiter {
  readonly first: number;
  readonly next: number;
  readonly ms: number;
  /** Points that are not settled yet. */
  left: number;
  readonly safe: () => void;
}

/**
 * Who waits until its points are safe: on disk, or delivered, whichever comes
 * first. Each is told once.
 */
export class Waiters {
  #list: Waiter[] = [];
  #head = 0;
  /** Those that have not been told. */
  #waiting = 0;

  get any(): boolean {
    return this.#waiting > 0;
  }

  /** When the first of those that wait began, in ms of the monotonic clock. */
  get sinceMs(): number | undefined {
    for (let at = this.#head; at < this.#list.length; at++) {
      const waiter = this.#list[at];
      if (waiter !== undefined && waiter.left > 0) return waiter.ms;
    }
    return undefined;
  }

  add(first: number, next: number, ms: number, safe: () => void): void {
    if (first === next) {
      safe();
      return;
    }
    this.#list.push({ first, next, ms, left: next - first, safe });
    this.#waiting += 1;
  }

  /** These, none of which was before, are settled. */
  settled(from: number, to: number): void {
    const told: Waiter[] = [];
    for (let at = this.#endingAfter(from); at < this.#list.length; at++) {
      const waiter = this.#list[at];
      if (waiter === undefined || waiter.first >= to) break;
      if (waiter.left === 0) continue;
      waiter.left -= Math.min(waiter.next, to) - Math.max(waiter.first, from);
      if (waiter.left === 0) told.push(waiter);
    }
    this.#tell(told);
  }

  /** All before that position are on disk. */
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
