/** How fast a link's counters go up, measured over some seconds. */
import type { Clock } from '../../point/clock.js';
import type { Counters } from '../../session/node/counters.js';

/** Shortest time over which a rate is measured: over a moment one packet would be a high rate. */
const OVER_MS = 1_000;

/** The counters whose rates are measured. */
const MEASURED = ['points', 'sentPoints', 'rx', 'tx', 'hrRx'] as const;

type Rates = Readonly<Record<(typeof MEASURED)[number], number>>;

/** The rates of one link, each a second, to a tenth. */
export class RateMeter {
  #fromMs: number;
  #from: Rates;
  #rates: Rates = { points: 0, sentPoints: 0, rx: 0, tx: 0, hrRx: 0 };

  constructor(
    private readonly counters: Counters,
    private readonly clock: Clock,
  ) {
    this.#fromMs = clock.monotonicMs();
    this.#from = byName((name) => counters[name]);
  }

  /** As {@link measure} found them last. */
  get rates(): Rates {
    return this.#rates;
  }

  /** Measures from the last call to this one; called every few seconds. */
  measure(): void {
    const nowMs = this.clock.monotonicMs();
    const ms = nowMs - this.#fromMs;
    if (ms < OVER_MS) return;
    const now = byName((name) => this.counters[name]);
    const from = this.#from;
    this.#rates = byName((name) => Math.round(((now[name] - from[name]) / ms) * 10_000) / 10);
    this.#fromMs = nowMs;
    this.#from = now;
  }
}

function byName(valueOf: (name: keyof Rates) => number): Rates {
  return Object.fromEntries(MEASURED.map((name) => [name, valueOf(name)])) as Rates;
}
