import { canonicalKey } from './point.js';

/** A map by (type, key); the keys "" and "0" are one (docs/siot.md, 1.2). */
export class PointMap<V> {
  readonly #types = new Map<string, Map<string, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(type: string, key: string): V | undefined {
    return this.#types.get(type)?.get(canonicalKey(key));
  }

  set(type: string, key: string, value: V): void {
    let keys = this.#types.get(type);
    if (keys === undefined) {
      keys = new Map();
      this.#types.set(type, keys);
    }
    const before = keys.size;
    keys.set(canonicalKey(key), value);
    this.#size += keys.size - before;
  }

  delete(type: string, key: string): boolean {
    const keys = this.#types.get(type);
    if (keys === undefined || !keys.delete(canonicalKey(key))) return false;
    if (keys.size === 0) this.#types.delete(type);
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#types.clear();
    this.#size = 0;
  }

  *values(): IterableIterator<V> {
    for (const keys of this.#types.values()) yield* keys.values();
  }
}
