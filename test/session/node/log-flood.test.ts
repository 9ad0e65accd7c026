/** However often a device or a client causes lines of the log, few of them are written. */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { MOST_LINES_A_MINUTE } from '../../../src/point/limited-log.js';
import { stringValue } from '../../../src/point/point.js';
import { packets } from '../../fuzz/inputs.js';
import { SessionHarness, ackAll, ackNothing } from '../../support/session-harness.js';

const BY_TURNS = /two codecs by turns: are two devices on this line/;

describe('two boards on one line, of which each has another codec,', () => {
  it('are reported as such once, and not by a log line for each packet', () => {
    const harness = SessionHarness.talking({ codec: 'auto', acks: ackAll });
    for (let i = 0; i < 5_000; i += 1) {
      const protocol = i % 2 === 0 ? 'protobuf' : 'compact';
      harness.points([{ type: 'temp', value: i }], 1 + (i % 255), { protocol });
      harness.advance(2);
    }
    expect(harness.log.filter(({ message }) => BY_TURNS.test(message))).toHaveLength(1);
    expect(harness.log.length).toBeLessThan(10);
    expect(harness.session.diagnosis?.cause).toBe('twoCodecs');
    // One of them is taken away.
    harness.advance(61_000);
    harness.points([{ type: 'temp', value: 1 }], 7, { protocol: 'compact' });
    expect(harness.session.diagnosis).toBeUndefined();
  });

  it('are not assumed when a device gets other firmware', () => {
    const harness = SessionHarness.talking({ codec: 'auto', acks: ackAll });
    for (const protocol of ['protobuf', 'compact'] as const) {
      harness.points([{ type: 'temp', value: 1 }], 9, { protocol });
      harness.advance(10_000);
    }
    expect(harness.log.some(({ message }) => BY_TURNS.test(message))).toBe(false);
  });
});

/** What a client or a device does over and over, and how often in virtual time. */
const FLOODS: readonly [string, (harness: SessionHarness, turn: number) => void, number][] = [
  [
    'settings that cannot be encoded',
    (harness, turn) => {
      const text = stringValue('x'.repeat(2_000 + turn));
      harness.session.settings.set(harness.settingPoint(`text-${String(turn)}`, text));
    },
    10,
  ],
  [
    'settings that are never acknowledged',
    (harness, turn) => {
      harness.acks = ackNothing;
      harness.set(`type-${String(turn % 3_000)}`, turn);
    },
    50,
  ],
  [
    'commands that are not',
    (harness, turn) => {
      harness.acks = ackNothing;
      harness.set('restart', turn);
    },
    500,
  ],
  ['restarts', (harness) => void harness.hello(), 1_500],
  [
    'changes of its own',
    (harness, turn) => {
      const type = `type-${String(turn)}`;
      harness.set(type, turn);
      harness.advance(100);
      harness.points([{ type, value: -turn - 1 }]);
    },
    10,
  ],
  [
    'points that the gateway owns',
    (harness, turn) => void harness.points([{ type: turn % 2 === 0 ? 'rx' : 'tx', value: 1 }]),
    10,
  ],
  [
    'types that are no tokens',
    (harness, turn) => void harness.points([{ type: `a.${String(turn)}`, value: 1 }]),
    10,
  ],
  ['nothing but noise', (harness, turn) => harness.bytes(Uint8Array.of(turn, 1, 2, 3, 0)), 10],
];

describe('few log lines come of', () => {
  it.each(FLOODS)('%s', (_what, flood, everyMs) => {
    const harness = SessionHarness.talking({
      acks: ackAll,
      commands: ['restart'],
      limitedLog: true,
    });
    for (let turn = 0; turn < 3_000; turn += 1) {
      flood(harness, turn);
      harness.advance(everyMs);
    }
    const minutes = Math.ceil(harness.clock.monotonicMs() / 60_000);
    expect(harness.log.length).toBeLessThanOrEqual(45 + 45 * minutes);
    expect(harness.log.length).toBeGreaterThan(0);
    harness.close();
  });

  it.each([1, 2, 3])('whatever a device sends, by chance: seed %i', (seed) => {
    const random = new SeededRandom(seed);
    const harness = SessionHarness.talking({ codec: 'auto', acks: ackAll, limitedLog: true });
    const valid = packets();
    let before = 0;
    for (let minute = 0; minute < 5; minute += 1) {
      for (let i = 0; i < 600; i += 1) {
        const packet = Uint8Array.from(valid[random.below(valid.length)]!);
        if (random.chance(0.5)) packet[random.below(packet.length)]! ^= 1 << random.below(8);
        const sequence = random.below(256);
        const luck = random.below(6);
        if (luck === 0) harness.bytes(packet);
        else if (luck === 1) harness.hello();
        else if (luck === 2) harness.set(`type-${String(random.below(999))}`, random.below(99));
        else {
          const protocol = random.chance(0.5) ? 'protobuf' : 'compact';
          const type = `type-${String(random.below(999))}`;
          harness.points([{ type, value: random.below(9) }], sequence, { protocol });
        }
        harness.advance(100);
      }
      const said = harness.log.filter(({ message }) => message !== 'the device says').length;
      expect(said - before).toBeLessThanOrEqual(MOST_LINES_A_MINUTE);
      before = said;
    }
    harness.close();
  });
});
