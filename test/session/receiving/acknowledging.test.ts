/** docs/contract.md, 'Towards the device', "Acknowledging". */
import { describe, expect, it } from 'vitest';
import { SessionHarness, ackAll } from '../../support/session-harness.js';

const T = 1767323040000000000n;
const opened = (): SessionHarness => {
  const harness = SessionHarness.opened();
  harness.take();
  return harness;
};
/** A device whose sequence moves. */
const moving = (): SessionHarness => {
  const harness = opened();
  harness.points([{ type: 'a', value: 1 }], 10);
  harness.points([{ type: 'a', value: 2 }], 11);
  harness.take();
  harness.reports.length = 0;
  return harness;
};

describe('a packet with points is acknowledged', () => {
  it('with its own sequence number, 0 included', () => {
    const harness = opened();
    for (const sequence of [0, 1, 77, 255]) {
      harness.points([{ type: 'temp', value: sequence }], sequence);
      expect(harness.takeAcks()).toEqual([sequence]);
    }
  });

  it('in the form that SIOT writes: 19 bytes for protobuf, 23 for compact', () => {
    for (const [device, frame] of [
      ['protobuf', '00050a61636b01010101010101010101010103ed7700'],
      ['compact', '00050a61636b0101010101010101010101010101010103d83300'],
    ] as const) {
      const harness = SessionHarness.opened({ device });
      harness.take();
      harness.points([{ type: 'temp', value: 1 }], 10);
      expect(harness.take().map((packet) => packet.frame)).toEqual([frame]);
    }
  });

  it.each(['', 'proto', 'anything'])('under the subject "%s"', (subject) => {
    const harness = opened();
    harness.points([{ type: 'temp', value: 1 }], 5, { subject });
    expect(harness.published).toMatchObject([{ type: 'temp' }]);
    expect(harness.takeAcks()).toEqual([5]);
  });

  it('once its points are safe, never before', () => {
    const harness = opened();
    harness.safety = 'later';
    harness.points([{ type: 'temp', value: 1 }], 5);
    harness.advance(10_000);
    expect(harness.takeAcks()).toEqual([]);
    harness.makeSafe();
    expect(harness.takeAcks()).toEqual([5]);
  });

  it('not when there is no room for them: the device holds them and tries again', () => {
    const harness = opened();
    harness.outbox = 'full';
    harness.points([{ type: 'temp', value: 1, time: T }], 5);
    expect(harness.takeAcks()).toEqual([]);
    expect(harness.count('outboxFull')).toBe(1);
    harness.outbox = 'taken';
    harness.points([{ type: 'temp', value: 1, time: T }], 5);
    expect(harness.takeAcks()).toEqual([5]);
    expect(harness.published).toMatchObject([{ type: 'temp', time: T }]);
  });

  it('also when its points are dropped, since the node is deleted', () => {
    const harness = opened();
    harness.outbox = 'dropped';
    harness.points([{ type: 'temp', value: 1 }], 5);
    expect(harness.takeAcks()).toEqual([5]);
    expect(harness.count('nodeDeleted')).toBe(1);
  });

  it('also when every one of its points was refused', () => {
    const harness = opened();
    harness.points(
      [
        { type: 'a.b', value: 1 },
        { type: 'port', value: 'x' },
      ],
      5,
    );
    expect(harness.published).toEqual([]);
    expect(harness.takeAcks()).toEqual([5]);
  });

  it('but no ack, log, phr, file or empty packet is', () => {
    const harness = opened();
    harness.ack(3);
    harness.packet(3, 'log', Buffer.from('hi'));
    harness.packet(4, 'phr', new Uint8Array(48));
    harness.packet(5, 'file', new Uint8Array(20));
    harness.hello(6);
    harness.points([], 7);
    expect(harness.takeAcks()).toEqual([]);
  });

  it('also when the port was opened anew before they were safe', () => {
    const harness = opened();
    harness.safety = 'later';
    harness.points([{ type: 'temp', value: 1 }], 5);
    harness.close();
    harness.open();
    harness.take();
    harness.makeSafe();
    expect(harness.takeAcks()).toEqual([5]);
  });

  it('but not when the device has restarted since: its 5 is another packet then', () => {
    const harness = moving();
    harness.safety = 'later';
    harness.points([{ type: 'temp', value: 1 }], 5);
    harness.hello(0);
    harness.points([{ type: 'temp', value: 2 }], 5);
    harness.unsafe.shift()!();
    expect(harness.takeAcks()).toEqual([]);
    harness.makeSafe();
    expect(harness.takeAcks()).toEqual([5]);
  });

  it('with the very same point again only when that is safe', () => {
    const harness = opened();
    harness.safety = 'later';
    harness.points([{ type: 'temp', value: 1, time: T }], 5);
    harness.points([{ type: 'temp', value: 1, time: T }], 6);
    expect(harness.takeAcks()).toEqual([]);
    harness.makeSafe();
    expect(harness.takeAcks().sort()).toEqual([5, 6]);
    expect(harness.published).toHaveLength(1);
  });

  it('once, however often it was repeated while neither disk nor SIOT took anything', () => {
    const harness = moving();
    harness.safety = 'later';
    // Two packets in flight, in turns: neither is the one just before it.
    for (let round = 0; round < 1_000; round++) {
      harness.points([{ type: 'temp', value: 1, time: T }], 5);
      harness.points([{ type: 'temp', value: 2, time: T + 1n }], 6);
      harness.advance(100);
    }
    expect(harness.unsafe).toHaveLength(2);
    harness.unsafe.pop()!();
    expect(harness.takeAcks()).toEqual([6]);
    harness.makeSafe();
    expect(harness.takeAcks().sort()).toEqual([5, 5, 6]);
  });
});

describe('a packet with the same bytes as the one just before it', () => {
  it('is acknowledged again and not processed twice', () => {
    const harness = moving();
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.advance(1_000);
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.advance(3_900);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.takeAcks()).toEqual([12, 12, 12]);
    expect(harness.published).toHaveLength(1);
    expect(harness.count('duplicate')).toBe(2);
  });

  it('within 5 s: each is compared with the one just before it', () => {
    const harness = moving();
    for (let i = 0; i < 4; i += 1) {
      harness.points([{ type: 'a', value: 3 }], 12);
      harness.advance(4_000);
    }
    expect(harness.published).toHaveLength(1);
    harness.advance(1_001);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(2);
  });

  it('without a hello between', () => {
    const harness = moving();
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.hello(12);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(2);
    expect(harness.takeAcks()).toEqual([12, 12]);
  });

  it('from a device whose sequence otherwise moves', () => {
    const harness = opened();
    for (let i = 0; i < 5; i += 1) harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(5);
    expect(harness.takeAcks()).toEqual([12, 12, 12, 12, 12]);
  });

  it('also after a first try that found the outbox full, or came too late', () => {
    const harness = moving();
    harness.outbox = 'full';
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.outbox = 'taken';
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(1);
    harness.advance(6_000);
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(2);
  });

  it('is not acknowledged again before its points are safe', () => {
    const harness = moving();
    harness.safety = 'later';
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.takeAcks()).toEqual([]);
    expect(harness.published).toHaveLength(1);
    harness.makeSafe();
    expect(harness.takeAcks()).toEqual([12]);
  });

  it('an ack of the device between the two makes no difference', () => {
    const harness = moving();
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.packet(1, 'ack');
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(1);
  });

  it('another packet between the two makes a difference', () => {
    const harness = moving();
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.points([{ type: 'b', value: 3 }], 13);
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published.map(({ type }) => type)).toEqual(['a', 'b', 'a']);
  });

  it('an opening of the port between the two makes none', () => {
    const harness = moving();
    harness.points([{ type: 'a', value: 3 }], 12);
    harness.close();
    harness.open();
    harness.points([{ type: 'a', value: 3 }], 12);
    expect(harness.published).toHaveLength(1);
  });
});

describe('a point that came before', () => {
  it('is recognised in a packet with another sequence, the newest and the older ones of a type', () => {
    const harness = SessionHarness.talking();
    const now = harness.clock.wallNs();
    const batch = [
      { type: 'flow', value: 1, time: now - 200n },
      { type: 'flow', value: 2, time: now - 100n },
    ];
    const before = harness.published.length;
    harness.points(batch);
    harness.advance(6_000);
    harness.points(batch);
    expect(harness.published.slice(before).map(({ value }) => value)).toEqual([
      { kind: 'float', number: 1 },
      { kind: 'float', number: 2 },
    ]);
    expect(harness.count('samePoint')).toBe(2);
  });

  it('is another point when its value differs, at the same time', () => {
    const harness = SessionHarness.talking();
    const now = harness.clock.wallNs();
    const before = harness.published.length;
    harness.points([{ type: 'flow', value: 1, time: now - 200n }]);
    harness.points([{ type: 'flow', value: 2, time: now - 100n }]);
    harness.points([{ type: 'flow', value: 3, time: now - 200n }]);
    expect(harness.published.length - before).toBe(3);
  });

  it('is a repetition already for the first packet, when a hello has shown that the sequence moves', () => {
    const harness = SessionHarness.opened({ acks: ackAll });
    const sequence = harness.hello(1) + 1;
    harness.points([{ type: 'flow', value: 1 }], sequence);
    harness.points([{ type: 'flow', value: 1 }], sequence);
    expect(harness.published).toHaveLength(1);
    expect(harness.takeAcks()).toEqual([sequence, sequence]);
  });
});
