import type { SeededRandom } from './random.js';

/** Values of `waveform` in a profile. */
export const WAVEFORMS = [
  'constant',
  'sine',
  'triangle',
  'sawtooth',
  'square',
  'randomWalk',
] as const;

/** The signal of a sensor. */
interface WaveformOptions {
  readonly waveform: (typeof WAVEFORMS)[number];
  /** The middle; the value of `constant`. */
  readonly offset: number;
  /** From the middle to the greatest value. */
  readonly amplitude: number;
  readonly periodMs: number;
  /** Greatest random number added to or taken from each sample. */
  readonly noise: number;
}

/** A signal: a value for each time, which must not run backwards. */
export class Waveform {
  #walk = 0;
  #walkedMs = 0;

  constructor(
    private readonly options: WaveformOptions,
    private readonly random: SeededRandom,
  ) {}

  at(ms: number): number {
    const { offset, amplitude, noise } = this.options;
    const clean = offset + amplitude * this.#shape(ms);
    return noise === 0 ? clean : clean + noise * this.random.signed();
  }

  /** −1 … 1, beginning at 0 and rising, except square (at 1). */
  #shape(ms: number): number {
    const turn = (ms / this.options.periodMs) % 1;
    switch (this.options.waveform) {
      case 'constant':
        return 0;
      case 'sine':
        return Math.sin(2 * Math.PI * turn);
      case 'triangle':
        return turn < 0.25 ? 4 * turn : turn < 0.75 ? 2 - 4 * turn : 4 * turn - 4;
      case 'sawtooth':
        return turn < 0.5 ? 2 * turn : 2 * turn - 2;
      case 'square':
        return turn < 0.5 ? 1 : -1;
      case 'randomWalk':
        return this.#step(ms);
    }
  }

  /** A random walk between −1 and 1, which needs about a period from one end to the other. */
  #step(ms: number): number {
    const stepMs = ms - this.#walkedMs;
    this.#walkedMs = ms;
    const reach = Math.sqrt(Math.max(0, stepMs) / this.options.periodMs);
    this.#walk = Math.min(1, Math.max(-1, this.#walk + 2 * reach * this.random.signed()));
    return this.#walk;
  }
}
