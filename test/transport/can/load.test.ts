import { describe, expect, it } from 'vitest';
import type { CanFrame } from '../../../src/transport/frame.js';
import { FrameTally } from '../../../src/transport/can/load.js';

const frame = (length: number, given: Partial<CanFrame> = {}): CanFrame => ({
  id: 1,
  extended: false,
  data: new Uint8Array(length),
  fd: false,
  bitRateSwitch: false,
  remote: false,
  error: false,
  ...given,
});
const RATES = { bitRate: 500_000, dataBitRate: 2_000_000 };

const timesOf = (length: number, given: Partial<CanFrame>, rates = RATES): number => {
  const tally = new FrameTally();
  tally.add(frame(length, given));
  return tally.bitTimes(1, length, rates);
};

describe('bits of a frame, between none stuffed and one of four', () => {
  // The fields of linux/can/length.h added up by hand; at the data's rate they count a quarter.
  it.each<[string, number, Partial<CanFrame>, number, number]>([
    ['classic, 11 bits, empty', 0, {}, 47, 47 + 8],
    ['classic, 11 bits, 8 bytes', 8, {}, 111, 111 + 24],
    ['classic, 29 bits, 8 bytes', 8, { extended: true }, 131, 131 + 29],
    ['FD, 11 bits, 8 bytes, one rate', 8, { fd: true }, 30 + 32 + 64, 30 + 32 + 64 + 21],
    ['FD, 29 bits, 16 bytes, one rate', 16, { fd: true, extended: true }, 209, 209 + 42],
    ['FD, 11 bits, 64 bytes, one rate', 64, { fd: true }, 30 + 37 + 512, 579 + 133],
    [
      'FD, 11 bits, 64 bytes, two rates',
      64,
      { fd: true, bitRateSwitch: true },
      30 + 549 / 4,
      30 + 549 / 4 + 4 + 130 / 4,
    ],
  ])('%s', (_what, length, given, least, most) => {
    const times = timesOf(length, given);
    expect(times).toBeGreaterThan(least);
    expect(times).toBeLessThan(most);
    // One for ten of those that can be stuffed.
    expect(Math.abs((times - least) / (most - least) - 0.4)).toBeLessThan(0.03);
  });

  it('at one rate where the controller has no other', () => {
    const given = { fd: true, bitRateSwitch: true };
    expect(timesOf(64, given, { bitRate: 500_000 } as typeof RATES)).toBe(
      timesOf(64, { fd: true }),
    );
  });
});

describe('frames that the kernel has counted', () => {
  it('are as those that are ours', () => {
    const tally = new FrameTally();
    tally.add(frame(8));
    tally.add(frame(8, { extended: true }));
    const mean = (timesOf(8, {}) + timesOf(8, { extended: true })) / 2;
    expect(tally.bitTimes(1000, 8000, RATES)).toBeCloseTo(1000 * mean, 6);
    // Theirs are longer.
    const longer = new FrameTally();
    longer.add(frame(0, { extended: true }));
    expect(longer.bitTimes(10, 80, RATES)).toBeCloseTo(10 * timesOf(8, { extended: true }), 6);
  });

  it('are classic ones with 11 bits where none are ours', () => {
    expect(new FrameTally().bitTimes(10, 80, RATES)).toBeCloseTo(10 * timesOf(8, {}), 6);
  });
});
