/** A device whose packets arrive is not blamed, whatever is between them. */
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../firmware-sim/cobs.js';
import { encodePacket } from '../../../firmware-sim/packet.js';
import { SessionHarness, ackNothing } from '../../support/session-harness.js';

const TEXT = Buffer.from('temp=23.5\r\n');

const said = (harness: SessionHarness): string[] =>
  harness.log.filter(({ fields }) => 'diagnosis' in fields).map(({ message }) => message);

const log = (harness: SessionHarness, second: number): void =>
  harness.bytes(
    encodeFrame(
      encodePacket({
        sequence: (second % 255) + 1,
        subject: 'log',
        payload: Buffer.from(`pump ${String(second)}`),
      }),
    ),
  );

/** Minutes pass, in which the device reports each `everyS` (0: never), and something else comes each 5 s. */
function pass(
  harness: SessionHarness,
  minutes: number,
  everyS: number,
  other: (second: number) => void,
): Set<string | undefined> {
  const causes = new Set<string | undefined>();
  for (let second = 0; second < 60 * minutes; second += 5) {
    if (everyS > 0 && second % everyS === 0) harness.points([{ type: 'temp', value: second }]);
    harness.advance(2_500);
    other(second);
    harness.advance(2_500);
    causes.add(harness.session.diagnosis?.cause);
  }
  return causes;
}

describe('a device that reports seldom', () => {
  it.each([
    [120, 'which acknowledges nothing', false],
    [600, 'which acknowledges nothing', false],
    [120, 'which acknowledges', true],
    [3_600, 'which acknowledges', true],
  ] as const)(
    'each %i s, %s: neither its log nor text is taken for its fault',
    (everyS, _, acknowledges) => {
      for (const kind of ['log', 'text'] as const) {
        const harness = SessionHarness.talking(acknowledges ? {} : { acks: ackNothing });
        const other = (second: number): void =>
          kind === 'log' ? log(harness, second) : harness.bytes(TEXT);
        const causes = pass(harness, (10 * everyS) / 60, everyS, other);
        expect([kind, [...causes], said(harness)]).toEqual([kind, [undefined], []]);
      }
    },
  );

  it('is listened to once it is silent for several of its intervals', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    const text = (): void => harness.bytes(TEXT);
    pass(harness, 10, 120, text);
    // The last report was 2 minutes ago.
    expect([...pass(harness, 5, 0, text)]).toEqual([undefined]);
    expect([...pass(harness, 4, 0, text)]).toEqual([undefined, 'text']);
  });

  it('is listened to at once when it does not answer any more, where its interval is not known', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    expect([...pass(harness, 1.2, 0, () => harness.bytes(TEXT))]).toEqual([undefined, 'text']);
  });

  it('and only logs else is not blamed for its log, though it reports nothing more', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    pass(harness, 1, 5, () => undefined);
    expect([...pass(harness, 30, 0, (second) => log(harness, second))]).toEqual([undefined]);
  });
});

describe('each packet that is a sign of life', () => {
  const LIVES: readonly (readonly [string, (harness: SessionHarness) => void])[] = [
    ['a hello', (harness) => void harness.hello()],
    ['high rate', (harness) => void harness.packet(7, 'phr', Buffer.alloc(40))],
    ['a file', (harness) => void harness.packet(7, 'file', Buffer.alloc(4))],
    ['unreadable points', (harness) => void harness.packet(7, '', Buffer.from('\x01\x02'))],
    ['an ack', (harness) => harness.ack(77)],
  ];

  it.each(LIVES)('tells that the device talks: %s', (_, life) => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    pass(harness, 2, 5, () => undefined);
    for (let i = 0; i < 20; i++) {
      life(harness);
      pass(harness, 0.4, 0, () => harness.bytes(TEXT));
    }
    expect(said(harness)).toEqual([]);
  });
});

describe('what is wrong though the device talks', () => {
  it('is still known after a while in which it did not', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    const stands = (from: number): void => {
      for (let i = 0; i < 8; i++) {
        harness.points([{ type: 'temp', value: from + i }], 9);
        harness.advance(1_000);
      }
    };
    stands(0);
    expect(harness.session.diagnosis?.cause).toBe('sequenceStands');
    expect([...pass(harness, 2, 0, () => harness.bytes(TEXT))]).toContain('text');
    stands(20);
    expect(harness.session.diagnosis?.cause).toBe('sequenceStands');
    expect(said(harness).at(-1)).toBe('the device talks now');
    harness.points([{ type: 'temp', value: 1 }], 10);
    expect(harness.session.diagnosis).toBeUndefined();
  });
});

describe('packets that are all the same', () => {
  /** The device sends one packet again after each of these waits, ms. */
  const same = (harness: SessionHarness, waits: readonly number[], sequence = 1): void => {
    harness.points([{ type: 'door', value: 0 }], sequence);
    for (const ms of waits) {
      harness.advance(ms);
      harness.points([{ type: 'door', value: 0 }], sequence);
    }
  };
  const each = (ms: number, count = 12): number[] => Array.from({ length: count }, () => ms);

  it.each([1_000, 10_000])(
    'each %i ms, from a device that acknowledges: its sequence stands',
    (ms) => {
      const harness = new SessionHarness({ acks: () => 0 });
      harness.open();
      same(harness, each(ms));
      expect(harness.session.diagnosis?.cause).toBe('sequenceStands');
      expect(harness.session.diagnosis?.advice).not.toContain('TX');
    },
  );

  it('from a device that acknowledges nothing: it may be deaf as well', () => {
    const harness = new SessionHarness();
    harness.open();
    same(harness, each(1_000));
    const { diagnosis } = harness.session;
    expect(diagnosis?.cause).toBe('sequenceStands');
    expect(diagnosis?.advice).toContain('count the sequence up');
    expect(diagnosis?.advice).toContain('does not hear the gateway');
    expect(said(harness)).toHaveLength(1);
    // Another sequence: it does not stand.
    harness.points([{ type: 'door', value: 1 }], 2);
    expect(harness.session.diagnosis).toBeUndefined();
  });

  it('with waits that grow: it repeats one packet, and is deaf', () => {
    const harness = new SessionHarness();
    harness.open();
    same(harness, [500, 1_000, 2_000, 4_000, 8_000, ...each(8_000)]);
    expect(harness.session.diagnosis?.cause).toBe('deaf');
  });

  it('after the sequence has moved: it is deaf', () => {
    for (const ms of [1_000, 10_000]) {
      const harness = SessionHarness.talking({ acks: ackNothing });
      same(harness, each(ms), 33);
      expect(harness.session.diagnosis?.cause).toBe('deaf');
    }
  });

  it('some in a row, of a value that changes seldom: its sequence stands', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    for (let i = 0; i < 40; i++) {
      harness.points([{ type: 'door', value: i >> 2 }], 9);
      harness.advance(1_000);
    }
    expect(harness.session.diagnosis?.cause).toBe('sequenceStands');
    expect(said(harness)).toHaveLength(1);
  });

  it('are no fault where they were not acknowledged', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    harness.congested = true;
    same(harness, each(1_000, 30), 33);
    harness.congested = false;
    harness.points([{ type: 'door', value: 0 }], 33);
    harness.points([{ type: 'door', value: 1 }], 34);
    expect(said(harness)).toEqual([]);
    // Nor, with a sequence that has not moved yet.
    const fresh = SessionHarness.opened();
    fresh.congested = true;
    same(fresh, each(1_000, 30));
    expect(said(fresh)).toEqual([]);
  });
});
