import type { Clock, Timer } from '../../point/clock.js';
import { positionOf, type Entry } from './entry.js';

interface Retry {
  readonly entry: Entry;
  readonly dueMs: number;
}

/** Points that the store refused, until their next try. */
export class RetryList {
  #retries: Retry[] = [];
  #timer: Timer | undefined;
  #paused = false;

  constructor(
    private readonly clock: Clock,
    private readonly onDue: (entries: readonly Entry[]) => void,
  ) {}

  add(entry: Entry, dueMs: number): void {
    this.#retries.push({ entry, dueMs });
    this.#schedule();
  }

  /** Stops the timer: entries are taken by {@link takeNext} and {@link takeAll} only. */
  pause(): void {
    this.#paused = true;
    this.#timer?.cancel();
  }

  /** Removes the entries for which `holds` is true. */
  drop(holds: (entry: Entry) => boolean): void {
    this.#retries = this.#retries.filter(({ entry }) => !holds(entry));
  }

  /** Takes all entries, those of a lane in order, and ends a pause. */
  takeAll(): Entry[] {
    this.#paused = false;
    const all = this.#retries.map(({ entry }) => entry);
    this.#retries = [];
    return all.sort((a, b) => positionOf(a) - positionOf(b));
  }

  /** Takes the oldest point of the type+key that has waited longest. */
  takeNext(): Entry | undefined {
    for (;;) {
      const retry = this.#retries.shift();
      if (retry === undefined) return undefined;
      if (!retry.entry.done) return this.#eldestOfGroup(retry);
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#retries = [];
  }

  #eldestOfGroup(retry: Retry): Entry {
    const { source } = retry.entry;
    if (source.kind === 'status') return retry.entry;
    let eldest = retry;
    for (const other of this.#retries) {
      if (other.entry.source.kind !== 'lane' || other.entry.source.group !== source.group) continue;
      if (positionOf(other.entry) < positionOf(eldest.entry)) eldest = other;
    }
    if (eldest !== retry) this.#retries[this.#retries.indexOf(eldest)] = retry;
    return eldest.entry;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#paused || this.#retries.length === 0) return;
    const dueMs = this.#retries.reduce((least, retry) => Math.min(least, retry.dueMs), Infinity);
    this.#timer = this.clock.setTimer(Math.max(0, dueMs - this.clock.monotonicMs()), () => {
      const nowMs = this.clock.monotonicMs();
      const due = this.#retries.filter((retry) => retry.dueMs <= nowMs);
      this.#retries = this.#retries.filter((retry) => retry.dueMs > nowMs);
      this.#schedule();
      this.onDue(due.map(({ entry }) => entry));
    });
  }
}
