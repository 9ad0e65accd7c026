/** Whether the machine was equally fast all the time: else verdicts differ from run to run. */
import { performance } from 'node:perf_hooks';

/** Below this share of its best speed a machine is not quiet. */
const STEADY = 0.85;
const TURNS = 2_000_000;
/** Of each look the fastest counts: what the machine can do, whoever else had it for a moment. */
const TRIES = 3;

/** How fast the machine was, from time to time. */
export interface SteadinessFigures {
  readonly looks: number;
  /** Speed at the slowest look, of that at the fastest: 0 to 1. */
  readonly slowest: number;
}

/** Times the same work again and again. */
export class Steadiness {
  readonly #ms: number[] = [];

  constructor() {
    // Compiled before it is timed.
    for (let times = 0; times < TRIES; times += 1) this.#time();
  }

  /** Takes some 15 ms. */
  look(): void {
    this.#ms.push(Math.min(...Array.from({ length: TRIES }, () => this.#time())));
  }

  #time(): number {
    const start = performance.now();
    // Asked for its result, so that no compiler leaves it out: 0 never comes.
    return work() === 0 ? 0 : performance.now() - start;
  }

  /** `undefined`: there was no second look to compare with. */
  figures(): SteadinessFigures | undefined {
    if (this.#ms.length < 2) return undefined;
    return { looks: this.#ms.length, slowest: Math.min(...this.#ms) / Math.max(...this.#ms) };
  }
}

/** A line for people. */
export function steadinessLine({ looks, slowest }: SteadinessFigures): string {
  const share = `${String(Math.round(slowest * 100))} %`;
  return slowest >= STEADY
    ? `the machine kept its speed (${share} at the slowest of ${String(looks)} looks)`
    : `the machine was not quiet: at the slowest of ${String(looks)} looks it had ${share} of its best ` +
        'speed, and verdicts may differ in another run';
}

/** A chain of steps, each of which needs the one before. Returns its end. */
function work(): number {
  let state = 1;
  for (let turn = 0; turn < TURNS; turn += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}
