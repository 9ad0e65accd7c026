/**
 * Inputs for one target, from its corpus and from each other. Where coverage is
 * measured, an input that reaches code which none has reached before is kept,
 * and others are made from it.
 */
import type { SeededRandom } from '../../firmware-sim/random.js';
import { failureOf, type Failure } from './guard.js';
import { minimise } from './minimise.js';
import { mutate } from './mutate.js';
import type { FuzzTarget } from './target.js';

/** What is known of the code that inputs have reached. */
export interface Reach {
  /** Something has been reached since the last look that never was before. */
  grown(): boolean;
  /** What has run since the last look reached some of what was new then; asked once for each part. */
  claims(): boolean;
}

export interface FuzzOptions {
  readonly random: SeededRandom;
  /** Asked before each batch. */
  readonly more: (executions: number) => boolean;
  readonly reach?: Reach | undefined;
  /** Told before each input. */
  readonly trying?: (input: Uint8Array) => void;
}

export interface FuzzResult {
  readonly executions: number;
  /** Inputs in the corpus at the end, and at the beginning. */
  readonly kept: number;
  readonly given: number;
  /** With the shortest input that was found to show it. */
  readonly failure?: Failure;
}

/** Measuring costs as much as some hundred inputs. */
const BATCH = 100;
/** Of inputs in the corpus; later ones replace the earliest that were kept. */
const MOST_KEPT = 2_000;

export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const { random, more, reach, trying } = options;
  const corpus = [...target.corpus()];
  const given = corpus.length;
  if (given === 0) throw new RangeError(`the corpus of ${target.name} is empty`);
  const words = (target.words ?? []).map((word) =>
    typeof word === 'string' ? Uint8Array.from(Buffer.from(word)) : word,
  );
  let executions = 0;
  const run = async (input: Uint8Array): Promise<Failure | undefined> => {
    trying?.(input);
    executions += 1;
    return failureOf(target, input);
  };
  const pick = (): Uint8Array => {
    // The newest have been tried least.
    const recent = corpus.length > given && random.chance(0.5);
    const from = recent ? Math.max(given, corpus.length - 50) : 0;
    return corpus[from + random.below(corpus.length - from)] ?? new Uint8Array(0);
  };
  const next = (): Uint8Array => {
    if (target.generate !== undefined && random.chance(0.1)) return target.generate(random);
    const { maxLength } = target;
    const base =
      target.generate !== undefined && random.chance(0.1) ? target.generate(random) : pick();
    return mutate(base, { random, maxLength, words, other: pick() });
  };
  const ended = async ({ input, text }: Failure): Promise<FuzzResult> => {
    const shortest = await minimise(input, async (one) => {
      trying?.(one);
      return (await failureOf(target, one)) !== undefined;
    });
    const failure = (await failureOf(target, shortest)) ?? { input, text };
    return { executions, kept: corpus.length, given, failure };
  };

  for (const input of corpus) {
    const failure = await run(input);
    if (failure !== undefined) return ended(failure);
  }
  reach?.grown();
  while (more(executions)) {
    const batch = Array.from({ length: BATCH }, next);
    for (const input of batch) {
      const failure = await run(input);
      if (failure !== undefined) return ended(failure);
    }
    if (reach?.grown() !== true) continue;
    for (const input of batch) {
      await failureOf(target, input);
      if (!reach.claims()) continue;
      if (corpus.length >= MOST_KEPT) corpus.splice(given, 1);
      corpus.push(input);
    }
  }
  return { executions, kept: corpus.length, given };
}
