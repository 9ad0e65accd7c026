import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../firmware-sim/random.js';
import { fuzz, type FuzzResult } from './fuzzer.js';
import { failureOf } from './guard.js';
import { removeScratch } from './scratch.js';
import { Finding, must, type FuzzTarget } from './target.js';
import { TARGETS } from './targets.js';

afterAll(removeScratch);

const SEED = 20_261_125;
const INPUTS = 300;

const REGRESSIONS = new URL('regressions/', import.meta.url);

interface Regression {
  readonly target: FuzzTarget;
  readonly what: string;
  readonly input: Uint8Array;
}

const regressions = readdirSync(REGRESSIONS).flatMap((name): Regression[] => {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`regressions/${name} is of no target`);
  const folder = new URL(`${name}/`, REGRESSIONS);
  return readdirSync(folder).map((file) => ({
    target,
    what: file.replace(/\.hex$/, '').replaceAll('-', ' '),
    input: Uint8Array.from(
      Buffer.from(readFileSync(new URL(file, folder), 'utf8').replaceAll(/\s/g, ''), 'hex'),
    ),
  }));
});

const run = (target: FuzzTarget, seed: number, inputs: number): Promise<FuzzResult> =>
  fuzz(target, {
    random: new SeededRandom(seed).fork(target.name),
    more: (executions) => executions < inputs,
  });

describe('an input that once caused a failure does not any more', () => {
  it.each(regressions.map((one) => [one.target.name, one.what, one] as const))(
    '%s: %s',
    async (_name, _what, { target, input }) => {
      expect(await failureOf(target, input)).toBeUndefined();
    },
  );
});

describe('a short run on each target', () => {
  it.each(TARGETS.map((target) => [target.name, target] as const))('%s', async (_name, target) => {
    const inputs = target.firstLook ?? INPUTS;
    const { failure, executions } = await run(target, SEED, inputs);
    const hex = Buffer.from(failure?.input ?? []).toString('hex');
    expect(failure?.text, `seed ${SEED}, input ${hex}`).toBeUndefined();
    expect(executions).toBeGreaterThanOrEqual(inputs);
  });
});

describe('the fuzzer itself', () => {
  const held: Uint8Array[] = [];
  afterAll(() => held.splice(0));

  const planted = (check: (input: Uint8Array) => unknown): FuzzTarget => ({
    name: 'planted',
    files: [],
    maxLength: 64,
    words: ['PIN'],
    corpus: () => [Uint8Array.from(Buffer.from('a harmless text'))],
    check,
  });

  it('finds what breaks a parser, and the shortest input that shows it', async () => {
    const target = planted((input) => {
      const at = Buffer.from(input).indexOf('PIN');
      if (at >= 0 && (input[at + 3] ?? 0) > 0x80) throw new RangeError('out of range');
    });
    const { failure } = await run(target, 1, 100_000);
    expect(failure?.text).toContain('RangeError: out of range');
    expect(Buffer.from(failure!.input.subarray(0, 3)).toString()).toBe('PIN');
    expect(failure!.input).toHaveLength(4);
  });

  it('repeats itself with the same seed', async () => {
    const inputsOf = async (seed: number): Promise<string[]> => {
      const inputs: string[] = [];
      await run(
        planted((input) => inputs.push(Buffer.from(input).toString('hex'))),
        seed,
        500,
      );
      return inputs;
    };
    const first = await inputsOf(7);
    expect(await inputsOf(7)).toEqual(first);
    expect(await inputsOf(8)).not.toEqual(first);
  });

  it('keeps an input that reaches something new, and makes others of it', async () => {
    // Each is found by chance, all of them in one input are not.
    const wanted = [0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8];
    const findWith = async (guided: boolean): Promise<boolean> => {
      let ran = 0;
      let known = 0;
      const target = planted((input) => {
        const missing = wanted.findIndex((byte) => !input.includes(byte));
        must(missing >= 0, 'found');
        ran = Math.max(ran, missing);
      });
      const claims = (): boolean => {
        const grown = ran > known;
        known = Math.max(known, ran);
        ran = 0;
        return grown;
      };
      const grown = (): boolean => {
        const more = ran > known;
        ran = 0;
        return more;
      };
      const { failure } = await fuzz(target, {
        random: new SeededRandom(3),
        more: (executions) => executions < 30_000,
        ...(guided ? { reach: { grown, claims } } : {}),
      });
      return failure !== undefined;
    };
    expect(await findWith(true)).toBe(true);
    expect(await findWith(false)).toBe(false);
  });

  it.each([
    ['a failed oracle', () => must(false, 'no'), /^no$/],
    ['an exception', (): unknown => JSON.parse('{'), /^it throws SyntaxError/],
    ['a rejection', () => Promise.reject(new Error('late')), /^it throws Error: late/],
    ['what is slow', () => spin(250), /^it takes \d+ ms for 1 bytes$/],
    ['what is greedy', () => void held.push(new Uint8Array(120 * 2 ** 20)), /^it takes \d+ MiB/],
  ])('sees %s', async (_what, check, text) => {
    expect((await failureOf(planted(check), Uint8Array.of(1)))?.text).toMatch(text);
  });

  it('reports a change of what all code shares', async () => {
    const shared = Object.prototype as Record<string, unknown>;
    const target = planted(() => (shared['planted'] = 1));
    try {
      expect((await failureOf(target, Uint8Array.of(1)))?.text).toContain('prototype');
    } finally {
      delete shared['planted'];
    }
  });

  it('shows a finding as its text alone', () => {
    expect(new Finding('words').name).toBe('Finding');
  });
});

function spin(ms: number): void {
  for (const before = process.cpuUsage(), spent = { ms: 0 }; spent.ms < ms;) {
    for (let i = 0; i < 1e6; i += 1) Math.sqrt(i);
    const { user, system } = process.cpuUsage(before);
    spent.ms = (user + system) / 1000;
  }
}
