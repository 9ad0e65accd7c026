/** One input through one target, and what no parser may do whatever it is given. */
import { getHeapStatistics } from 'node:v8';
import { Finding, type FuzzTarget } from './target.js';

/** Of CPU time for one input: the machine may have other things to do. */
const LONGEST_MS = 200;
const MOST_BYTES = 96 * 1024 * 1024;
/** Slow or greedy only if it is so each time: it might have been the machine. */
const TIMES = 3;

export interface Failure {
  readonly input: Uint8Array;
  /** First line: what is wrong. The rest: where. */
  readonly text: string;
}

/** `undefined`: all is well. */
export async function failureOf(
  target: FuzzTarget,
  input: Uint8Array,
): Promise<Failure | undefined> {
  const problem = await problemOf(target, input);
  return problem === undefined ? undefined : { input, text: problem };
}

async function problemOf(target: FuzzTarget, input: Uint8Array): Promise<string | undefined> {
  const shapes = prototypes();
  for (let time = 1; ; time += 1) {
    const bytesBefore = memory();
    const before = process.cpuUsage();
    try {
      const checking = target.check(Uint8Array.from(input));
      if (checking instanceof Promise) await checking;
    } catch (error) {
      return textOf(error);
    }
    if (prototypes() !== shapes) return 'it has changed a prototype that everybody shares';
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    const bytes = memory() - bytesBefore;
    if (tookMs <= LONGEST_MS && bytes <= MOST_BYTES) return undefined;
    if (time < TIMES) continue;
    return tookMs > LONGEST_MS
      ? `it takes ${tookMs.toFixed(0)} ms for ${input.length} bytes`
      : `it takes ${(bytes / 2 ** 20).toFixed(0)} MiB for ${input.length} bytes`;
  }
}

function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

const SHARED: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Uint8Array.prototype,
];

function prototypes(): number {
  let members = 0;
  for (const one of SHARED) members += Reflect.ownKeys(one).length;
  return members;
}

function textOf(error: unknown): string {
  if (error instanceof Finding) return error.message;
  if (!(error instanceof Error)) return `it throws ${String(error)}`;
  return `it throws ${error.stack ?? `${error.name}: ${error.message}`}`;
}
