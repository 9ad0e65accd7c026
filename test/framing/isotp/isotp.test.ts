import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ISO_TP_MOST_WAITS } from '../../../src/framing/isotp/options.js';
import type { Timer } from '../../../src/point/clock.js';
import { fromHex, toHex } from '../../firmware-sim/vectors.js';
import { FakeClock } from '../../support/fake-clock.js';
import { IsoTpEnd, join } from '../../support/isotp-bus.js';

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''));
const count = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7 + 1) & 0xff);

function end(options: ConstructorParameters<typeof IsoTpEnd>[1] = {}, maxLength = 4095): IsoTpEnd {
  return new IsoTpEnd(new FakeClock(), options, maxLength);
}
const hear = (to: IsoTpEnd, ...frames: string[]): void => {
  for (const frame of frames) to.connection.receive(hex(frame));
};
const got = (of: IsoTpEnd): string[] => of.packets.map((packet) => toHex(packet));

describe('receiving', () => {
  it('a single frame is a packet', () => {
    const one = end();
    hear(one, '03 0a 0b 0c cc cc cc cc');
    expect(got(one)).toEqual(['0a0b0c']);
    expect(one.frames).toEqual([]);
  });

  it('a first frame is answered with flow control; the packet is whole with the last frame', () => {
    const one = end({ blockSize: 0, stMin: 10 });
    hear(one, '10 14 01 02 03 04 05 06');
    expect(one.written()).toEqual(['30000a']);
    hear(one, '21 07 08 09 0a 0b 0c 0d', '22 0e 0f 10 11 12 13 14');
    expect(got(one)).toEqual(['0102030405060708090a0b0c0d0e0f1011121314']);
    expect(one.clock.pendingTimers).toBe(0);
  });

  it('padding after the last byte is not part of the packet', () => {
    const one = end();
    hear(one, '10 08 01 02 03 04 05 06', '21 07 08 aa aa aa aa aa');
    expect(got(one)).toEqual(['0102030405060708']);
  });

  it('after each block there is another flow control, and none after the last frame', () => {
    const one = end({ blockSize: 2 });
    hear(one, '10 22 01 02 03 04 05 06');
    hear(one, '21 07 08 09 0a 0b 0c 0d');
    expect(one.written()).toEqual(['300200']);
    hear(one, '22 0e 0f 10 11 12 13 14');
    expect(one.written()).toEqual(['300200']);
    hear(one, '23 15 16 17 18 19 1a 1b', '24 1c 1d 1e 1f 20 21 22');
    expect(one.written()).toEqual([]);
    expect(one.packets[0]).toHaveLength(34);
  });

  it('sequence numbers go on with 0 after 15', () => {
    const one = end();
    hear(one, '10 7a 00 00 00 00 00 00');
    for (let at = 1; at <= 17; at += 1)
      hear(one, `2${(at & 15).toString(16)} 11 11 11 11 11 11 11`);
    expect(one.packets).toHaveLength(1);
  });

  it.each([
    ['missing', '22'],
    ['repeated', '20'],
  ])('a frame that is %s ends the packet; the next packet is whole', (_, pci) => {
    const one = end();
    hear(one, '10 14 01 02 03 04 05 06', `${pci} 07 08 09 0a 0b 0c 0d`);
    expect(one.discards).toEqual(['isoTpSequence']);
    // The rest of it belongs to no packet.
    hear(one, '22 0e 0f 10 11 12 13 14');
    expect(one.discards).toEqual(['isoTpSequence', 'isoTpUnexpected']);
    expect(got(one)).toEqual([]);
    hear(one, '10 08 01 02 03 04 05 06', '21 07 08');
    expect(got(one)).toEqual(['0102030405060708']);
    expect(one.clock.pendingTimers).toBe(0);
  });

  it('a single frame in the middle replaces what was begun', () => {
    const one = end();
    hear(one, '10 14 01 02 03 04 05 06', '02 aa bb', '21 07 08 09 0a 0b 0c 0d');
    expect(got(one)).toEqual(['aabb']);
    expect(one.discards).toEqual(['isoTpUnexpected', 'isoTpUnexpected']);
  });

  it('a first frame in the middle begins anew', () => {
    const one = end();
    hear(one, '10 14 01 02 03 04 05 06', '21 07 08 09 0a 0b 0c 0d');
    hear(one, '10 08 a1 a2 a3 a4 a5 a6', '21 a7 a8');
    expect(got(one)).toEqual(['a1a2a3a4a5a6a7a8']);
    expect(one.discards).toEqual(['isoTpUnexpected']);
    expect(one.written()).toEqual(['300000', '300000']);
  });

  it('flow control and frames that mean nothing do not disturb what was begun', () => {
    const one = end();
    hear(one, '10 08 01 02 03 04 05 06', '30 00 00', '55 00 00', '', '21 07 08');
    expect(got(one)).toEqual(['0102030405060708']);
    expect(one.discards).toEqual(['isoTpUnexpected', 'isoTpFrame', 'isoTpFrame']);
  });

  it('a frame in the middle that is shorter or longer than the first is ignored', () => {
    const one = end();
    hear(one, '10 14 01 02 03 04 05 06');
    hear(one, '21 07 08 09', `21 ${'ee'.repeat(11)}`);
    expect(one.discards).toEqual(['isoTpFrame', 'isoTpFrame']);
    hear(one, '21 07 08 09 0a 0b 0c 0d', '22 0e 0f 10 11 12 13 14');
    expect(one.packets).toHaveLength(1);
  });

  it('a packet longer than the maximum is refused with an overflow, and costs no memory', () => {
    const one = end({}, 100);
    hear(one, '10 65 01 02 03 04 05 06', '10 00 ff ff ff ff 01 02');
    expect(one.written()).toEqual(['320000', '320000']);
    expect(one.discards).toEqual(['oversize', 'oversize']);
    hear(one, '10 64 01 02 03 04 05 06');
    expect(one.written()).toEqual(['300000']);
  });

  it('a single frame longer than the maximum is thrown away', () => {
    const one = end({ frameLength: 64 }, 20);
    hear(one, `00 15 ${'11'.repeat(22)}`, `00 14 ${'11'.repeat(22)}`);
    expect(one.discards).toEqual(['oversize']);
    expect(one.packets).toHaveLength(1);
  });

  it('N_Cr: a second after the last frame, or our flow control, the packet has ended', () => {
    const one = end();
    hear(one, '10 22 01 02 03 04 05 06');
    one.clock.advance(999);
    hear(one, '21 07 08 09 0a 0b 0c 0d');
    one.clock.advance(999);
    expect(one.discards).toEqual([]);
    one.clock.advance(1);
    expect(one.discards).toEqual(['isoTpTimeout']);
    hear(one, '22 0e 0f 10 11 12 13 14');
    expect(one.discards).toEqual(['isoTpTimeout', 'isoTpUnexpected']);
    expect(one.clock.pendingTimers).toBe(0);
  });

  it('N_Ar: the device has its whole time once our flow control is out, which may take a second', () => {
    const one = end();
    one.takes = false;
    hear(one, '10 14 01 02 03 04 05 06');
    one.clock.advance(900);
    one.takes = true;
    one.connection.drained();
    one.clock.advance(900);
    hear(one, '21 07 08 09 0a 0b 0c 0d', '22 0e 0f 10 11 12 13 14');
    expect(one.packets).toHaveLength(1);
    one.takes = false;
    hear(one, '10 14 01 02 03 04 05 06');
    one.clock.advance(1000);
    expect(one.discards).toEqual(['isoTpTimeout']);
  });

  it('one flow control waits for the controller, however often the device begins anew', () => {
    const one = end();
    one.takes = false;
    for (let at = 0; at < 100; at += 1) hear(one, '10 14 01 02 03 04 05 06');
    hear(one, '1f ff 01 02 03 04 05 06');
    expect(one.written()).toEqual(['300000']);
    one.takes = true;
    one.connection.drained();
    hear(one, '10 14 01 02 03 04 05 06', '21 07 08 09 0a 0b 0c 0d', '22 0e 0f 10 11 12 13 14');
    expect(one.written()).toEqual(['300000']);
    expect(one.packets).toHaveLength(1);
  });

  it.each([
    ['overflow, then a packet that fits', ['1f ff', '10 14'], ['320000', '300000']],
    ['a packet that fits, then overflow', ['10 14', '1f ff'], ['300000', '320000']],
    ['and again as at first', ['10 14', '1f ff', '10 14'], ['300000']],
  ])(
    'waiting flow controls are sent once there is room, the newest last: %s',
    (_what, firsts, answers) => {
      const one = end({}, 100);
      one.takes = false;
      for (const first of firsts) hear(one, `${first} 01 02 03 04 05 06`);
      one.takes = true;
      one.connection.drained();
      expect(one.written()).toEqual(answers);
    },
  );

  it('frames with another address are ignored', () => {
    const one = end({ address: { tx: 0xf1, rx: 0xa7 } });
    hear(
      one,
      'a6 02 01 02',
      'a7 02 03 04',
      'a7 10 08 01 02 03 04 05',
      'a6 21 06 07 08',
      'a7 21 06 07 08',
    );
    expect(got(one)).toEqual(['0304', '0102030405060708']);
    expect(one.written()).toEqual(['f1300000']);
    expect(one.discards).toEqual([]);
  });
});

describe('sending', () => {
  it('waits for flow control, then sends all that is left', () => {
    const one = end();
    one.connection.send(count(20));
    expect(one.written()).toHaveLength(1);
    one.clock.advance(999);
    hear(one, '30 00 00');
    expect(one.written()).toEqual([
      `21${toHex(count(20).subarray(6, 13))}`,
      `22${toHex(count(20).subarray(13))}`,
    ]);
    expect(one.connection.queued).toBe(0);
    expect(one.clock.pendingTimers).toBe(0);
  });

  it('waits for flow control after each block', () => {
    const one = end();
    one.connection.send(count(6 + 7 * 5));
    hear(one, '30 02 00');
    expect(one.written()).toHaveLength(3);
    hear(one, '30 02 00');
    expect(one.written()).toHaveLength(2);
    // The next flow control gives the size of the next block.
    hear(one, '30 00 00');
    expect(one.written()).toHaveLength(1);
  });

  it.each([
    ['05', 5],
    ['7f', 127],
    ['f3', 0.3],
    ['80', 127],
    ['fa', 127],
  ])('STmin %s is %d ms between frames', (code, ms) => {
    const one = end();
    one.connection.send(count(6 + 7 * 4));
    one.clock.advance(50);
    hear(one, `30 00 ${code}`);
    one.clock.advance(4 * 127);
    const times = one.frames.slice(1).map(({ atMs }) => atMs - 50);
    expect(times).toHaveLength(4);
    times.forEach((atMs, index) => expect(atMs).toBeCloseTo(index * ms));
  });

  it('STmin is kept also where timers fire too early', () => {
    class HastyClock extends FakeClock {
      override setTimer(ms: number, fn: () => void): Timer {
        return super.setTimer(Math.max(ms * 0.6, Math.min(ms, 0.01)), fn);
      }
    }
    const one = new IsoTpEnd(new HastyClock());
    one.connection.send(count(6 + 7 * 4));
    hear(one, '30 00 05');
    one.clock.advance(100);
    const times = one.frames.slice(1).map(({ atMs }) => atMs);
    expect(times).toHaveLength(4);
    times.forEach((atMs, index) => expect(atMs).toBeGreaterThanOrEqual(index * 5));
  });

  it('N_Bs: without flow control within a second the packet has ended, and the next goes out', () => {
    const one = end();
    one.connection.send(count(20));
    one.connection.send(count(5));
    one.written();
    one.clock.advance(999);
    expect(one.discards).toEqual([]);
    one.clock.advance(1);
    expect(one.discards).toEqual(['isoTpTimeout']);
    expect(one.written()).toEqual([`05${toHex(count(5))}`]);
    hear(one, '30 00 00');
    expect(one.discards).toEqual(['isoTpTimeout', 'isoTpUnexpected']);
  });

  it('a device may ask to wait, each time for another second, but not for ever', () => {
    const one = end();
    one.connection.send(count(20));
    for (let at = 0; at < ISO_TP_MOST_WAITS; at += 1) {
      one.clock.advance(999);
      hear(one, '31 00 00');
    }
    expect(one.discards).toEqual([]);
    hear(one, '31 00 00');
    expect(one.discards).toEqual(['isoTpTimeout']);
    expect(one.connection.queued).toBe(0);
  });

  it('waits are counted anew after each block', () => {
    const one = end();
    one.connection.send(count(60));
    for (let block = 0; block < 3; block += 1) {
      for (let at = 0; at < ISO_TP_MOST_WAITS; at += 1) hear(one, '31 00 00');
      hear(one, '30 02 00');
    }
    expect(one.discards).toEqual([]);
  });

  it.each([
    ['overflow', '32 00 00', 'isoTpOverflow'],
    ['a status that means nothing', '3f 00 00', 'isoTpFrame'],
  ])('%s ends the packet', (_, frame, cause) => {
    const one = end();
    one.connection.send(count(20));
    hear(one, frame);
    expect(one.discards).toEqual([cause]);
    expect(one.clock.pendingTimers).toBe(0);
    one.connection.send(count(3));
    expect(one.written().at(-1)).toBe(`03${toHex(count(3))}`);
  });

  it('flow control that nobody waits for is ignored', () => {
    const one = end();
    hear(one, '30 00 00');
    one.connection.send(count(20));
    hear(one, '30 00 0a', '30 00 00');
    expect(one.discards).toEqual(['isoTpUnexpected', 'isoTpUnexpected']);
    one.clock.advance(10);
    expect(one.frames).toHaveLength(3);
  });

  it('stops while the controller takes nothing, and goes on afterwards', () => {
    const one = end();
    one.connection.send(count(30));
    one.takes = false;
    hear(one, '30 00 00');
    expect(one.written()).toHaveLength(2);
    one.clock.advance(999);
    expect(one.written()).toEqual([]);
    one.takes = true;
    one.connection.drained();
    expect(one.written()).toHaveLength(3);
    expect(one.discards).toEqual([]);
  });

  it('N_As: after a second in which the controller took nothing the packet has ended', () => {
    const one = end();
    one.takes = false;
    one.connection.send(count(30));
    one.clock.advance(1000);
    expect(one.discards).toEqual(['isoTpTimeout']);
    expect(one.connection.queued).toBe(0);
  });

  it('a controller that takes nothing gets nothing more, and the session is held back until it does', () => {
    const one = end();
    one.takes = false;
    one.connection.send(count(30));
    one.clock.advance(1000);
    // Alone on the bus, the gateway tries again and again for days.
    const accepted = Array.from({ length: 100 }, (_, at) => {
      const may = one.connection.send(count(40 + at));
      one.clock.advance(1000);
      return may;
    });
    expect(accepted).not.toContain(true);
    expect(one.written()).toEqual(['101e01080f161d24']);
    expect(one.connection.queued).toBeLessThan(400);
    one.takes = true;
    one.connection.drained();
    expect(one.written()).toEqual(['102801080f161d24']);
    for (let at = 0; at < 10; at += 1) hear(one, '30 00 00');
    expect(one.readyCalls).toBe(1);
    expect(one.connection.send(count(3))).toBe(true);
  });

  it('sent again by the session, a packet begins anew while nothing has answered its first frame', () => {
    const one = end();
    const packet = count(20);
    one.connection.send(packet);
    one.clock.advance(100);
    one.connection.send(packet);
    expect(one.written().map((frame) => frame.slice(0, 4))).toEqual(['1014', '1014']);
    // N_Bs begins anew, too.
    one.clock.advance(999);
    expect(one.discards).toEqual([]);
    hear(one, '31 00 00');
    one.connection.send(packet);
    hear(one, '30 01 00');
    one.connection.send(packet);
    expect(one.written()).toHaveLength(1);
    hear(one, '30 00 00');
    expect(one.written()).toHaveLength(1);
    // A device that wants blocks would answer twice, and the second would count for a block.
    hear(one, '30 01 00');
    one.connection.send(count(30));
    hear(one, '30 01 00', '30 01 00', '30 01 00', '30 01 00');
    one.written();
    one.connection.send(packet);
    one.connection.send(packet);
    expect(one.written()).toHaveLength(1);
    hear(one, '30 00 00');
    expect([one.connection.queued, one.clock.pendingTimers]).toEqual([0, 0]);
  });

  it('sent again by the session, a packet of which much is out does not begin anew', () => {
    const one = end();
    const packet = count(200);
    one.connection.send(packet);
    hear(one, '30 10 00');
    expect(one.written()).toHaveLength(17);
    one.connection.send(packet);
    expect(one.written()).toEqual([]);
    hear(one, '30 00 00');
    expect(one.written()).toHaveLength(12);
  });

  it('flow control may come before the controller says that the first frame is out', () => {
    const one = end();
    one.takes = false;
    one.connection.send(count(10));
    one.takes = true;
    hear(one, '30 00 00');
    expect(one.written()).toHaveLength(2);
    expect(one.connection.queued).toBe(0);
  });

  it('packets wait in order; the session is asked to hold back, and is told when it may go on', () => {
    const one = end();
    expect([20, 3, 4, 5].map((length) => one.connection.send(count(length)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(one.connection.queued).toBe(32);
    expect(one.written()).toHaveLength(1);
    hear(one, '30 00 00');
    expect(one.written().map((frame) => frame.slice(0, 2))).toEqual(['21', '22', '03', '04', '05']);
    expect(one.readyCalls).toBe(1);
  });

  it('the queue is bounded, and a packet that is sent again waits there once', () => {
    const one = end();
    for (let at = 0; at < 100; at += 1) one.connection.send(count(20));
    expect(one.connection.queued).toBe(20);
    for (let at = 0; at < 100; at += 1) one.connection.send(count(21 + at));
    expect(one.connection.queued).toBeLessThan(8 * 30);
  });

  it('reset forgets both directions, and nothing happens afterwards', () => {
    const one = end();
    one.connection.send(count(20));
    one.connection.send(count(21));
    hear(one, '10 14 01 02 03 04 05 06');
    one.written();
    one.connection.reset();
    expect(one.clock.pendingTimers).toBe(0);
    hear(one, '30 00 00', '21 07 08 09 0a 0b 0c 0d');
    expect(one.written()).toEqual([]);
    expect(one.connection.queued).toBe(0);
    expect(one.connection.send(count(3))).toBe(true);
    expect(one.written()).toHaveLength(1);
  });
});

describe('two ISO-TP ends, connected to each other', () => {
  const sizes = [0, 1, 2, 7, 8, 15, 255];
  const gaps = [0, 0.1, 0.9, 1, 5];
  const lengths = [1, 6, 7, 8, 9, 61, 62, 63, 64, 111, 1024, 4094, 4095];
  const layouts = [
    {},
    { padding: 0xcc },
    { address: { tx: 1, rx: 2 } },
    { frameLength: 64 },
    { frameLength: 12, padding: 0, address: { tx: 1, rx: 2 } },
  ];

  it.each(layouts)('every length comes over as it went, both ways at once: %j', (layout) => {
    let turn = 0;
    for (const length of lengths) {
      const clock = new FakeClock();
      const pick = <T>(list: readonly T[]): T => list[turn % list.length] as T;
      turn += 1;
      const options = { ...layout, blockSize: pick(sizes), stMin: pick(gaps) };
      const a = new IsoTpEnd(clock, options);
      const b = new IsoTpEnd(clock, {
        ...options,
        ...('address' in layout ? { address: { tx: 2, rx: 1 } } : {}),
      });
      join(a, b);
      a.connection.send(count(length));
      b.connection.send(count(length).reverse());
      clock.advance(20_000);
      expect(got(b)).toEqual([toHex(count(length))]);
      expect(got(a)).toEqual([toHex(count(length).reverse())]);
      expect([...a.discards, ...b.discards]).toEqual([]);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('longer than 4,095 bytes with the escape length', () => {
    const clock = new FakeClock();
    const a = new IsoTpEnd(clock, { frameLength: 64 }, 100_000);
    const b = new IsoTpEnd(clock, { frameLength: 64, blockSize: 200 }, 100_000);
    join(a, b);
    a.connection.send(count(100_000));
    clock.advance(5_000);
    expect(b.packets.map(({ length }) => length)).toEqual([100_000]);
    expect(Buffer.compare(b.packets[0] as Uint8Array, count(100_000))).toBe(0);
  });

  it('whatever is lost, what arrives is whole, in order, and what is sent afterwards arrives', () => {
    const packet = fc.uint8Array({ minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(
        fc.array(packet, { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.constantFrom(0, 1, 3),
        fc.constantFrom(0, 2),
        (packets, losses, blockSize, stMin) => {
          const clock = new FakeClock();
          const a = new IsoTpEnd(clock);
          const b = new IsoTpEnd(clock, { blockSize, stMin });
          join(a, b, 0.2, () => losses.pop() === true);
          // A number in front tells them apart.
          const numbered = packets.map((bytes, at) => Uint8Array.of(at, ...bytes));
          for (const one of numbered) {
            a.connection.send(one);
            clock.advance(5_000);
          }
          losses.length = 0;
          a.connection.send(Uint8Array.of(99));
          clock.advance(5_000);
          const sent = numbered.map((one) => toHex(one));
          const arrived = got(b);
          expect(arrived.pop()).toBe('63');
          expect(sent.filter((one) => arrived.includes(one))).toEqual(arrived);
          expect(clock.pendingTimers).toBe(0);
        },
      ),
    );
  });

  it('random frames never throw, hold no timer for ever, and a packet afterwards is whole', () => {
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(
          fc.constantFrom(0x03, 0x10, 0x21, 0x22, 0x30, 0x31, 0x32),
          fc.uint8Array({ minLength: 7, maxLength: 7 }),
        )
        .map(([pci, rest]) => Uint8Array.of(pci, ...rest)),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 40 }), (frames) => {
        const one = end({ blockSize: 2 }, 64);
        one.connection.send(count(40));
        for (const bytes of frames) one.connection.receive(bytes);
        one.clock.advance(ISO_TP_MOST_WAITS * 1000 + 127 * 10);
        expect(one.clock.pendingTimers).toBe(0);
        one.packets.length = 0;
        hear(one, '10 08 01 02 03 04 05 06', '21 07 08');
        expect(got(one)).toEqual(['0102030405060708']);
      }),
    );
  });
});
