/** Whether the machine was equally fast all the time: else verdicts differ from run to run. */
import { performance } from 'node:perf_hooks';

/** Below this share of its best speed a machine is not quiet. */
const STEADY = 0.85;
const TURNS = 5_000_000;

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
    work();
  }

  /** Takes some 10 ms. */
  look(): void {
    const start = performance.now();
    work();
    this.#ms.push(performance.now() - start);
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

/** A dependent chain that no compiler shortens. Returns its end, so that it is not left out. */
function work(): number {
  let state = 1;
  for (let turn = 0; turn < TURNS; turn += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}
