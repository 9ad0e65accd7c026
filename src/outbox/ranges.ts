interface Range {
  from: number;
  /** The number after the last. */
  to: number;
}

/** A set of integers, kept as ranges. It is small if numbers that are neighbours are added and removed together. */
export class Ranges {
  readonly #ranges: Range[] = [];
  #count = 0;

  /** Numbers in the set. */
  get count(): number {
    return this.#count;
  }

  /** The smallest number. */
  get first(): number | undefined {
    return this.#ranges[0]?.from;
  }

  /** The smallest number in the set that is `number` or larger. */
  firstFrom(number: number): number | undefined {
    const range = this.#ranges[this.#endingAfter(number)];
    return range && Math.max(range.from, number);
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#endingAfter(number)];
    return range !== undefined && range.from <= number;
  }

  /** Adds the numbers from `from` to `to` − 1. Returns how many were not in the set before. */
  add(from: number, to: number): number {
    if (to <= from) return 0;
    const last = this.#ranges.at(-1);
    if (last === undefined || from > last.to) {
      this.#ranges.push({ from, to });
      this.#count += to - from;
      return to - from;
    }
    // Ranges that touch the new one are merged with it.
    const at = this.#endingAfter(from - 1);
    let known = 0;
    let merged = 0;
    let [low, high] = [from, to];
    for (let i = at; i < this.#ranges.length; i++) {
      const range = this.#ranges[i];
      if (range === undefined || range.from > to) break;
      known += Math.max(0, Math.min(range.to, to) - Math.max(range.from, from));
      low = Math.min(low, range.from);
      high = Math.max(high, range.to);
      merged += 1;
    }
    const only = this.#ranges[at];
    if (merged === 1 && only !== undefined) {
      only.from = low;
      only.to = high;
    } else {
      this.#ranges.splice(at, merged, { from: low, to: high });
    }
    const added = to - from - known;
    this.#count += added;
    return added;
  }

  /** Removes the numbers from `from` to `to` − 1. Returns how many were in the set. */
  remove(from: number, to: number): number {
    let removed = 0;
    let at = this.#endingAfter(from);
    for (let range = this.#ranges[at]; range !== undefined; range = this.#ranges[at]) {
      const low = Math.max(range.from, from);
      const high = Math.min(range.to, to);
      if (low >= high) break;
      removed += high - low;
      if (low === range.from && high === range.to) {
        this.#ranges.splice(at, 1);
        continue;
      }
      if (low === range.from) range.from = high;
      else if (high === range.to) range.to = low;
      else {
        this.#ranges.splice(at + 1, 0, { from: high, to: range.to });
        range.to = low;
      }
      at += 1;
    }
    this.#count -= removed;
    return removed;
  }

  countIn(from: number, to: number): number {
    let count = 0;
    for (const [low, high] of this.in(from, to)) count += high - low;
    return count;
  }

  /**
   * The ranges inside `from` to `to` − 1, each as [first, after the last]. A copy: the set
   * may change while it is used.
   */
  in(from: number, to: number): (readonly [number, number])[] {
    const found: (readonly [number, number])[] = [];
    for (let at = this.#endingAfter(from); at < this.#ranges.length; at++) {
      const range = this.#ranges[at];
      if (range === undefined || range.from >= to) break;
      const [low, high] = [Math.max(range.from, from), Math.min(range.to, to)];
      if (low < high) found.push([low, high]);
    }
    return found;
  }

  /** Index of the first range that ends after a number. */
  #endingAfter(number: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.to ?? 0) > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
