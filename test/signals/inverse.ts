import { expect } from 'vitest';
import { SeededRandom } from '../../firmware-sim/random.js';
import type { Database } from '../../src/signals/database.js';
import { MessageCodec } from '../../src/signals/message-codec.js';
import { bitsOf, decode, naiveDecode, randomFrame } from './support.js';

/**
 * Random frames of each message: the codec and the naive one agree, and what
 * was decoded encodes to the same bits. The number of frames looked at.
 */
export function checkRandomFrames(database: Database, frames: number, seed: number): number {
  const random = new SeededRandom(seed);
  let count = 0;
  for (const message of database.messages) {
    const codec = new MessageCodec(message);
    for (let i = 0; i < frames; i++) {
      const data = randomFrame(random, codec);
      const where = `seed ${seed}: ${message.name} ${Buffer.from(data).toString('hex')}`;
      const codes = decode(codec, data);
      expect(codes, where).toEqual(naiveDecode(message, data));
      const again = codec.encode(codes);
      expect(decode(codec, again), where).toEqual(codes);
      // NaN is many bit patterns and one number.
      if (![...codes.values()].includes(Number.NaN)) {
        expect(onlySignals(codec, codes, again), where).toEqual(onlySignals(codec, codes, data));
        const unused = onlySignals(codec, codes, again);
        expect(Buffer.from(again).equals(Buffer.from(unused)), where).toBe(true);
      }
      count += 1;
    }
  }
  return count;
}

/** Data with all bits 0 that belong to none of the signals. */
function onlySignals(
  codec: MessageCodec,
  names: ReadonlyMap<string, unknown>,
  data: Uint8Array,
): Uint8Array {
  const kept = new Uint8Array(data.length);
  for (const signal of codec.message.signals) {
    if (!names.has(signal.name)) continue;
    for (const bit of bitsOf(signal)) {
      kept[bit >> 3] = (kept[bit >> 3] ?? 0) | ((data[bit >> 3] ?? 0) & (1 << (bit & 7)));
    }
  }
  return kept;
}
