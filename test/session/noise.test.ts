/** What a line does to the bytes of a device, with the real parser. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { encodePacket } from '../../firmware-sim/packet.js';
import { mcuPoint } from '../../firmware-sim/points.js';
import { SessionHarness, ackNothing } from '../support/session-harness.js';

/** A packet with one point, in its frame: `00`, COBS, `00`. */
function frame(value: number, sequence = value): Buffer {
  const payload = POINT_CODECS.compact.encode([mcuPoint({ type: 'temp', value })]);
  return Buffer.from(encodeFrame(encodePacket({ sequence, subject: 'proto', payload })));
}
const hello = (sequence: number): Buffer =>
  Buffer.from(encodeFrame(encodePacket({ sequence, subject: 'proto', payload: new Uint8Array() })));

const values = (harness: SessionHarness): number[] =>
  harness.published
    .filter(({ type }) => type === 'temp')
    .map(({ value }) => (value.kind === 'float' ? value.number : Number.NaN));

describe('garbage before the first frame after an opening, as USB bridges send it', () => {
  it.each([
    ['one byte', [0xf8]],
    ['a zero', [0]],
    ['bytes that end in zeros', [0xff, 0x01, 0, 0]],
    ['half a frame of before', [...frame(7).subarray(9)]],
    ['1,000 bytes', Array<number>(1_000).fill(0x55)],
    ['more than the longest frame', Array<number>(5_000).fill(0xaa)],
  ])('%s: the frame survives, since it begins with a zero', (_, garbage) => {
    const harness = SessionHarness.opened();
    expect(frame(1)[0]).toBe(0);
    harness.bytes(Buffer.concat([Buffer.from(garbage), frame(1)]));
    expect(values(harness)).toEqual([1]);
    expect(harness.takeAcks()).toEqual([1]);
  });

  it('any garbage, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (garbage, sizes) => {
          const harness = SessionHarness.opened();
          const bytes = Buffer.concat([garbage, frame(1), frame(2)]);
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const size = sizes[i % sizes.length]!;
            harness.bytes(bytes.subarray(at, at + size));
            at += size;
          }
          expect(values(harness)).toEqual([1, 2]);
          harness.close();
        },
      ),
    );
  });

  it('joined to a frame without a leading zero costs that one, and its retransmission arrives', () => {
    const harness = SessionHarness.opened();
    const bare = frame(1).subarray(1);
    harness.bytes(Buffer.concat([Buffer.from([0xf8]), bare]));
    expect(values(harness)).toEqual([]);
    expect(harness.session.state.counters.errorCount).toBe(1);
    harness.bytes(bare);
    expect(values(harness)).toEqual([1]);
  });

  it('what is left of a frame from before an opening is not joined to the first one after it', () => {
    const harness = SessionHarness.opened();
    harness.bytes(frame(1).subarray(0, 9));
    harness.close();
    harness.open();
    harness.bytes(frame(2).subarray(1));
    expect(values(harness)).toEqual([2]);
  });
});

describe('a hello in mid-stream', () => {
  it('inside a burst of points: each is taken and acknowledged, one resync', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    harness.advance(10_000);
    harness.take();
    harness.bytes(Buffer.concat([frame(21), frame(22), hello(1), frame(2), frame(3), hello(4)]));
    harness.flush();
    expect(values(harness).slice(-4)).toEqual([21, 22, 2, 3]);
    const sent = harness.take();
    const acks = sent.filter(({ subject }) => subject === 'ack').map(({ sequence }) => sequence);
    expect(acks).toEqual([21, 22, 2, 3]);
    expect(harness.count('restart')).toBe(1);
    const types = sent.flatMap(({ point }) => (point === undefined ? [] : [point.type]));
    expect(types).toEqual(['timeSync', 'target']);
  });

  it('before a packet that equals the last one before it: its points are taken once more', () => {
    const harness = SessionHarness.talking();
    harness.bytes(Buffer.concat([frame(21), frame(22), hello(23), frame(22)]));
    expect(values(harness).slice(-3)).toEqual([21, 22, 22]);
  });

  it('between retransmissions: the setting goes out as a new packet, and an ack of the old one is ignored', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    harness.advance(10_000);
    const setting = harness.set('target', 5);
    const [old] = harness.take();
    harness.advance(150);
    harness.take();
    harness.hello();
    const [time] = harness.take();
    harness.ack(old!.sequence);
    expect(setting.state).toBe('pending');
    harness.ack(time!.sequence);
    const [anew] = harness.take();
    expect(anew).toMatchObject({ point: { type: 'target', value: 5 } });
    expect(anew!.sequence).not.toBe(old!.sequence);
    harness.ack(anew!.sequence);
    expect(setting.state).toBe('inForce');
  });
});
