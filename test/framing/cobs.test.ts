import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAMINGS } from '../../src/framing/framings.js';
import type { FrameDiscard } from '../../src/framing/framing.js';
import { fromHex, loadVectors, toHex } from '../firmware-sim/vectors.js';

interface CobsOracle {
  encode(buffer: Buffer, zeroFrame?: boolean): Buffer;
  decode(buffer: Buffer): Buffer;
}
const oracle = createRequire(import.meta.url)('cobs') as CobsOracle;
const framing = FRAMINGS.cobs;
const vectors = loadVectors();
const cobsVectors = vectors.filter(({ kind }) => kind === 'cobs' || kind === 'cobs-defect');
const frameVectors = vectors.filter(({ frame_hex }) => frame_hex !== undefined);

type Event = { frame: string } | { discard: FrameDiscard; length: number };

/** Everything that comes out of these chunks, each overwritten as soon as it was pushed. */
function read(chunks: readonly Uint8Array[], maxFrameLength = 1024): Event[] {
  const events: Event[] = [];
  const deframer = framing.createDeframer(
    {
      frame: (bytes) => void events.push({ frame: toHex(bytes) }),
      discard: (cause, length) => void events.push({ discard: cause, length }),
    },
    maxFrameLength,
  );
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk);
    deframer.push(lent);
    lent.fill(0xaa);
  }
  return events;
}

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const five = (length: number): Uint8Array => new Uint8Array(length).fill(5);
const frames = (...raw: Uint8Array[]): Event[] => raw.map((bytes) => ({ frame: toHex(bytes) }));

describe('the worked examples', () => {
  it.each(cobsVectors.map((vector) => [vector.name, vector] as const))(
    '%s decodes',
    (_, vector) => {
      const { raw_hex, decodes_to_hex } = vector.decoded;
      expect(read([fromHex(vector.hex)])).toEqual([{ frame: raw_hex ?? decodes_to_hex }]);
    },
  );

  it.each(
    cobsVectors
      .filter(({ name, kind }) => kind === 'cobs' && name !== 'cobs-run-254-alt')
      .map((vector) => [vector.name, vector] as const),
  )('%s encodes, between two zeros', (_, vector) => {
    const raw = fromHex(vector.decoded.raw_hex ?? '');
    expect(toHex(framing.encode(raw))).toBe(`00${vector.hex}`);
  });

  it.each(frameVectors.map((vector) => [vector.name, vector] as const))(
    '%s: whole, byte by byte and at every split, with the buffer overwritten afterwards',
    (_, vector) => {
      const bytes = fromHex(vector.frame_hex ?? '');
      const expected = [{ frame: vector.hex }];
      expect(toHex(framing.encode(fromHex(vector.hex)))).toBe(vector.frame_hex);
      expect(read([bytes])).toEqual(expected);
      expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
      for (let at = 0; at <= bytes.length; at += 1) {
        expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
      }
    },
  );
});

describe("SIOT's reader accepts (docs/siot.md, 2.1), and so does this one", () => {
  const a = hex('11 22 00 33');
  const bare = framing.encode(a).subarray(1, -1);
  it.each([
    ['trailing zero only', join(bare, hex('00')), [a]],
    ['leading and trailing', join(hex('00'), bare, hex('00')), [a]],
    ['several leading zeros', join(hex('00 00 00 00'), bare, hex('00')), [a]],
    ['one zero shared by two frames', join(hex('00'), bare, hex('00'), bare, hex('00')), [a, a]],
    ['final full block as FF … 00', join(hex('ff'), five(254), hex('00')), [five(254)]],
    ['final full block as FF … 01 00', join(hex('ff'), five(254), hex('01 00')), [five(254)]],
  ])('%s', (_, bytes, expected) => {
    expect(read([bytes])).toEqual(frames(...expected));
  });

  it('a frame is only delivered when a zero follows it', () => {
    expect(read([join(hex('00'), bare)])).toEqual([]);
  });
});

describe('decoding is bounded, resynchronises at the next 00, delivers no partial frame', () => {
  it('maxFrameLength counts the whole frame with both zeros: 1024 passes, 1025 does not', () => {
    // 1,017 raw bytes without a zero: 5 codes, two zeros.
    const largest = framing.encode(five(1017));
    expect(largest.length).toBe(1024);
    expect(read([largest])).toEqual(frames(five(1017)));
    const larger = framing.encode(five(1018));
    expect(larger.length).toBe(1025);
    expect(read([larger])).toEqual([{ discard: 'oversize', length: 1025 }]);
  });

  it('the limit is the one configured', () => {
    expect(read([framing.encode(five(6))], 9)).toEqual(frames(five(6)));
    expect(read([framing.encode(five(7))], 9)).toEqual([{ discard: 'oversize', length: 10 }]);
  });

  it('zeros before a frame do not count, however many they are', () => {
    const bytes = join(new Uint8Array(5000), framing.encode(five(1017)));
    expect(read([bytes])).toEqual(frames(five(1017)));
  });

  it('endless data without a zero is one discard, and the frame after the next 00 is whole', () => {
    const bytes = join(five(100_000), hex('00'), framing.encode(five(3)));
    const events = read([bytes]);
    expect(events).toEqual([{ discard: 'oversize', length: 100_001 }, ...frames(five(3))]);
  });

  it('a code byte that points past the end costs its own frame only', () => {
    const events = read([join(hex('00 09 11 22 00'), framing.encode(five(3)))]);
    expect(events).toEqual([{ discard: 'malformed', length: 5 }, ...frames(five(3))]);
  });

  it('what is left in the buffer is forgotten with reset()', () => {
    const got: string[] = [];
    const deframer = framing.createDeframer(
      { frame: (bytes) => void got.push(toHex(bytes)), discard: (cause) => void got.push(cause) },
      1024,
    );
    deframer.push(hex('00 05 11 22'));
    deframer.reset();
    deframer.push(hex('02 33 00'));
    expect(got).toEqual(['33']);
  });
});

describe('with an independent implementation as the oracle', () => {
  // Few distinct bytes, so that zeros and long runs are frequent.
  const raw = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc
      .array(fc.tuple(fc.constantFrom(0, 1, 5, 255), fc.integer({ min: 1, max: 300 })), {
        maxLength: 4,
      })
      .map((runs) => join(...runs.map(([byte, length]) => new Uint8Array(length).fill(byte)))),
  );

  it('what we encode, the oracle decodes', () => {
    fc.assert(
      fc.property(raw, (bytes) => {
        const encoded = framing.encode(bytes);
        const inner = encoded.subarray(1, -1);
        expect(inner.includes(0)).toBe(false);
        expect(toHex(oracle.decode(Buffer.from(inner)))).toBe(toHex(bytes));
      }),
    );
  });

  it('what the oracle encodes, we decode', () => {
    fc.assert(
      fc.property(raw, (bytes) => {
        if (bytes.length === 0) return;
        const encoded = join(oracle.encode(Buffer.from(bytes)), hex('00'));
        expect(read([encoded], 4096)).toEqual(frames(bytes));
      }),
    );
  });

  it('any chunking of the same bytes gives the same frames and discards', () => {
    const noise = fc.uint8Array({ maxLength: 60 });
    const stream = fc
      .array(
        fc.oneof(
          noise,
          raw.map((bytes) => framing.encode(bytes)),
        ),
        { maxLength: 6 },
      )
      .map((parts) => join(...parts));
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 30 }), (bytes, sizes) => {
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        chunks.push(bytes.subarray(at));
        expect(read(chunks, 300)).toEqual(read([bytes], 300));
      }),
    );
  });

  it('random bytes never throw, and all of them are accounted for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const events = read([bytes, hex('00')], 64);
        const ends = [...bytes, 0].filter(
          (byte, at, all) => byte === 0 && at > 0 && all[at - 1] !== 0,
        );
        expect(events).toHaveLength(ends.length);
      }),
    );
  });
});
