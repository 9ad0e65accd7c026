/**
 * Any chunking, any interleaving, any loss below the retry limit: the same end
 * on both sides. SEED=n repeats a run; a failure prints what crossed the line.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Joined, type JoinedOptions } from './joined.js';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

const TYPES = ['a', 'b', 'c'] as const;
const step = fc.record({
  what: fc.constantFrom('report', 'report', 'report', 'set', 'set', 'hello', 'reboot'),
  type: fc.constantFrom(...TYPES),
  pauseMs: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3_000 })),
});
const delivery = fc.record({
  lost: fc.boolean(),
  delayMs: fc.integer({ min: 0, max: 300 }),
  pieces: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(1_024)),
});
type Step = (typeof step extends fc.Arbitrary<infer T> ? T : never) & object;

const options = fc.record({
  protocol: fc.constantFrom('protobuf' as const, 'compact' as const),
  times: fc.constantFrom('zero' as const, 'sinceStart' as const, 'synced' as const),
  deliveries: fc.array(delivery, { maxLength: 80 }),
  safeAfterMs: fc.nat(400),
});

function live(steps: readonly Step[], given: JoinedOptions): Joined {
  const joined = new Joined(given);
  // A restart within a second of the first hello would not be told from it.
  joined.clock.advance(2_000);
  let hellos = 0;
  for (const { what, type, pauseMs } of steps) {
    if (what === 'set') joined.set(`s${type}`);
    // The third hello within two minutes would be a heartbeat (docs/contract.md, "Restarted").
    else if (what === 'report' || (hellos += 1) > 1) joined.report(`r${type}`);
    else joined[what]();
    joined.clock.advance(pauseMs);
  }
  // One more of each, so that the codec is known and nothing is taken for silent.
  for (let i = 0; i < 20; i += 1) {
    joined.report('alive');
    joined.clock.advance(10_000);
  }
  return joined;
}

function problems(joined: Joined, { times }: JoinedOptions): string[] {
  const found: string[] = [];
  for (const setting of joined.session.state.settings.all()) {
    const { point, waiting } = setting;
    const wanted = point.value.kind === 'float' ? point.value.number : Number.NaN;
    if (waiting) found.push(`${point.type} waits: ${joined.session.downlink.reason(setting)}`);
    else if (joined.has.get(point.type) !== wanted) {
      found.push(`${point.type} is ${String(joined.has.get(point.type))}, not ${String(wanted)}`);
    }
  }
  const types = new Set(joined.published.map(({ type }) => type));
  for (const type of types) {
    const of = joined.published.filter((point) => point.type === type);
    const values = of.map(({ value }) => (value.kind === 'float' ? value.number : 0));
    if (!type.startsWith('s') && values.some((value, i) => i > 0 && value < values[i - 1]!)) {
      found.push(`${type} out of order: ${values.join(' ')}`);
    }
    // A device whose own clock is set may give a time twice.
    const given = times !== 'synced' || type.startsWith('s');
    if (given && new Set(of.map(({ time }) => time)).size < of.length) {
      found.push(`${type}: a time twice`);
    }
  }
  for (const { type, value } of joined.acked) {
    const there = joined.published.some(
      (point) =>
        point.type === type && point.value.kind === 'float' && point.value.number === value,
    );
    if (!there) found.push(`${type}=${String(value)} was acknowledged, and is not published`);
  }
  return found;
}

describe(`a session and a device (SEED=${String(SEED)})`, () => {
  it('end in the same state', () => {
    let acked = 0;
    let set = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), options, (steps, given) => {
        const joined = live(steps, given);
        const found = problems(joined, given);
        acked += joined.acked.length;
        set += joined.has.size;
        joined.session.closed();
        if (found.length > 0) throw new Error(`${found.join('\n')}\n${joined.transcript()}`);
      }),
      { seed: SEED, numRuns: 150 },
    );
    expect(acked).toBeGreaterThan(1_000);
    expect(set).toBeGreaterThan(100);
  });
});
