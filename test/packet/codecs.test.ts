import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { mcuPoint, type McuPoint } from '../../firmware-sim/points.js';
import { PAYLOAD_CODECS, detectCodec } from '../../src/packet/codecs.js';
import { PayloadError } from '../../src/packet/payload.js';
import {
  NO_VALUE,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  numberOf,
  sameValue,
  stringValue,
  textOf,
  type Point,
  type PointValue,
} from '../../src/point/point.js';
import {
  fromHex,
  loadVectors,
  toHex,
  type Vector,
  type VectorPoint,
} from '../firmware-sim/vectors.js';

const { compact, protobuf } = PAYLOAD_CODECS;
const TIME = 1767323045678901234n;

const pointVectors = loadVectors()
  .filter(({ kind, decoded }) => kind === 'serial-packet' && (decoded.points?.length ?? 0) > 0)
  .map((vector) => [vector.name, vector] as const);
const codecOf = (vector: Vector) => (vector.generation === 'gen1' ? protobuf : compact);

/** What the file says a point's value is. */
function expectedValue(
  { value, text, dataType, data_hex = '' }: VectorPoint,
  gen1: boolean,
): PointValue {
  if (gen1) return text === undefined ? floatValue(value ?? 0) : stringValue(text);
  const data = Buffer.from(data_hex, 'hex');
  switch (dataType) {
    case undefined:
      return NO_VALUE;
    case 1:
      return floatValue(data.length === 4 ? data.readFloatLE() : data.readDoubleLE());
    case 2:
      return intValue(
        data.length === 8 ? data.readBigInt64LE() : BigInt(data.readIntLE(0, data.length)),
      );
    case 3:
      return stringValue(data.toString());
    default:
      return jsonValue(data.toString());
  }
}

const expectedPoints = (vector: Vector): Point[] =>
  (vector.decoded.points ?? []).map((point) =>
    makePoint({
      type: point.type,
      key: point.key ?? '',
      time: BigInt(point.time ?? 0),
      value: expectedValue(point, vector.generation === 'gen1'),
      origin: point.origin ?? '',
    }),
  );

describe('the worked examples', () => {
  it.each(pointVectors)('%s is read', (_, vector) => {
    const read = codecOf(vector).decode(fromHex(vector.decoded.payload_hex ?? ''));
    expect(read).toEqual({ points: expectedPoints(vector), oddValues: 0, mendedTexts: 0 });
  });

  // Short integers and floats are other firmware's; the gateway writes 8 bytes.
  const written = pointVectors.filter(
    ([, { decoded }]) =>
      !(decoded.points ?? []).some(
        ({ dataType = 0, data_hex = '' }) => dataType < 3 && data_hex.length % 16 !== 0,
      ),
  );
  it.each(written)('%s is written byte for byte', (_, vector) => {
    expect(toHex(codecOf(vector).encode(expectedPoints(vector)))).toBe(vector.decoded.payload_hex);
  });

  it('all but the four short numbers are written', () => {
    expect(pointVectors.length - written.length).toBe(4);
  });

  it.each(pointVectors)('%s shows its codec', (_, vector) => {
    expect(detectCodec(fromHex(vector.decoded.payload_hex ?? '')).name).toBe(codecOf(vector).name);
  });

  it('acks are as SIOT writes them: nothing, and an empty list', () => {
    expect(toHex(protobuf.ackPayload)).toBe('');
    expect(toHex(compact.ackPayload)).toBe('00000000');
  });
});

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const value: fc.Arbitrary<PointValue> = fc.oneof(
  fc.constant(NO_VALUE),
  fc.double().map(floatValue),
  int64.map(intValue),
  text.map(stringValue),
  text.map(jsonValue),
);
const point: fc.Arbitrary<Point> = fc.record({
  type: text,
  key: text,
  time: int64,
  value,
  tombstone: int32,
  origin: text,
});

/** A point with its numbers in forms that any firmware may choose. */
const mcuValue = fc.oneof(
  fc.constant(undefined),
  fc.double(),
  int64,
  fc.float().map((float32) => ({ float32 })),
  fc.constantFrom(1 as const, 2 as const, 4 as const).chain((bytes) => {
    const half = 1n << BigInt(bytes * 8 - 1);
    return fc.bigInt({ min: -half, max: half - 1n }).map((int) => ({ int, bytes }));
  }),
  text,
  text.map((json) => ({ json })),
);
const firmwarePoint: fc.Arbitrary<McuPoint> = fc
  .record({ type: text, key: text, time: int64, value: mcuValue, tombstone: int32, origin: text })
  .map(mcuPoint);

function plain(v: McuPoint['value']): PointValue {
  if (v === undefined) return NO_VALUE;
  if (typeof v === 'number') return floatValue(v);
  if (typeof v === 'bigint') return intValue(v);
  if (typeof v === 'string') return stringValue(v);
  if ('float32' in v) return floatValue(v.float32);
  if ('int' in v) return intValue(v.int);
  if ('json' in v) return jsonValue(v.json);
  throw new Error('not made here');
}

describe("against the firmware's own codec", () => {
  it('compact points of any firmware are read, every width of numbers with its sign', () => {
    fc.assert(
      fc.property(fc.array(firmwarePoint, { maxLength: 5 }), (points) => {
        const read = compact.decode(POINT_CODECS.compact.encode(points));
        expect(read?.oddValues).toBe(0);
        expect(read?.points).toEqual(points.map((p) => ({ ...p, value: plain(p.value) })));
      }),
    );
  });

  it('what we write, the firmware reads: compact', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 5 }), (points) => {
        const bytes = compact.encode(points);
        const read = POINT_CODECS.compact.decode(bytes);
        expect(read?.map((p) => ({ ...p, value: plain(p.value) }))).toEqual(points);
        // Integers in 8 bytes: the only form whose sign SIOT reads.
        expect(compact.decode(bytes)?.points).toEqual(points);
      }),
    );
  });

  it('what we write, the firmware reads: protobuf, rounded to single precision', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 5 }), (points) => {
        const payload = protobuf.encode(points);
        const firmware = POINT_CODECS.protobuf.decode(payload)!;
        expect(firmware).toHaveLength(points.length);
        // Defaults are left out, as firmware with little room expects; so both are byte-equal.
        expect(toHex(payload)).toBe(toHex(POINT_CODECS.protobuf.encode(firmware)));
        const read = protobuf.decode(payload)!;
        points.forEach((sent, i) => {
          const seen = protobuf.asDeviceSees(sent);
          const got = read.points[i]!;
          expect({ ...got, value: null }).toEqual({ ...sent, value: null });
          expect(sameValue(got.value, seen.value) || numberOf(seen.value) === 0).toBe(true);
          expect(textOf(got.value)).toBe(textOf(sent.value));
        });
      }),
    );
  });

  it('23.53 arrives as 23.530000686… in protobuf, as itself in compact', () => {
    const sent = makePoint({ type: 't', value: floatValue(23.53) });
    expect(numberOf(protobuf.decode(protobuf.encode([sent]))!.points[0]!.value)).toBeCloseTo(
      23.530000686,
      8,
    );
    expect(numberOf(protobuf.asDeviceSees(sent).value)).toBe(Math.fround(23.53));
    expect(numberOf(compact.asDeviceSees(sent).value)).toBe(23.53);
  });

  it('times keep every nanosecond in both', () => {
    for (const time of [TIME, 1n, 0n, -1n, (1n << 63n) - 1n, -(1n << 63n), 0x1_0000_0000n]) {
      for (const codec of [compact, protobuf]) {
        const sent = makePoint({ type: 't', value: floatValue(1), time });
        expect(codec.decode(codec.encode([sent]))!.points[0]!.time).toBe(time);
      }
    }
  });

  it('a field above 65,535 bytes is refused, not cut', () => {
    const long = 'x'.repeat(65_536);
    for (const given of [{ type: long }, { key: long }, { origin: long }]) {
      const refused = makePoint({ type: 't', value: NO_VALUE, ...given });
      expect(() => compact.encode([refused])).toThrow(PayloadError);
    }
    expect(() => compact.encode([makePoint({ type: 't', value: stringValue(long) })])).toThrow(
      PayloadError,
    );
    const fits = makePoint({ type: 't', value: stringValue(long.slice(1)) });
    expect(compact.decode(compact.encode([fits]))?.points).toEqual([fits]);
  });

  it('unknown protobuf fields are skipped, such as field 13 of old firmware', () => {
    // 680a: field 13, varint 10; 1204 "temp"; 25 23.5
    const payload = fromHex('0a0d' + '680a' + '120474656d70' + '250000bc41');
    expect(protobuf.decode(payload)?.points).toMatchObject([
      { type: 'temp', value: floatValue(23.5) },
    ]);
  });
});

describe('payloads with wrong counts or lengths', () => {
  it('a count above what follows is no payload', () => {
    const bytes = compact.encode([makePoint({ type: 't', value: floatValue(1) })]);
    for (const count of [2, 3, 10_000, 10_001, 0xffff_ffff]) {
      const lying = Uint8Array.from(bytes);
      new DataView(lying.buffer).setUint32(0, count, true);
      expect(compact.decode(lying)).toBeUndefined();
    }
  });

  it('count > 10,000 is refused, 10,000 is not', () => {
    const one = makePoint({ type: '', value: NO_VALUE });
    const most = compact.encode(Array.from({ length: 10_000 }, () => one));
    expect(compact.decode(most)?.points).toHaveLength(10_000);
    expect(() => compact.encode(Array.from({ length: 10_001 }, () => one))).toThrow(PayloadError);
    const more = Uint8Array.from(Buffer.concat([most, most.subarray(4, 25)]));
    new DataView(more.buffer).setUint32(0, 10_001, true);
    expect(compact.decode(more)).toBeUndefined();
  });

  it('bytes after the last point are ignored', () => {
    const bytes = compact.encode([makePoint({ type: 't', value: floatValue(1) })]);
    const longer = Uint8Array.from([...bytes, 1, 2, 3]);
    expect(compact.decode(longer)?.points).toHaveLength(1);
  });

  it('every cut of a payload is no payload, and nothing beyond its end is read', () => {
    const whole = compact.encode([
      makePoint({ type: 'temp', key: 'front', value: stringValue('abc'), origin: 'me' }),
    ]);
    for (let length = 0; length < whole.length; length += 1) {
      // The rest stands right behind it, as in the deframer's buffer.
      expect(compact.decode(whole.subarray(0, length))).toBeUndefined();
    }
  });

  it('a changed byte, or any noise, never throws and never makes text of what lies behind', () => {
    const whole = fc.array(point, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.constantFrom(compact, protobuf),
        whole,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (codec, points, changes) => {
          const encoded = codec.encode(points);
          const buffer = Buffer.concat([encoded, Buffer.from('SECRET'.repeat(40))]);
          for (const [at, byte] of changes) buffer[at % encoded.length] = byte;
          const read = codec.decode(buffer.subarray(0, encoded.length));
          for (const { type, key, origin, value: v } of read?.points ?? []) {
            for (const word of [type, key, origin, textOf(v)]) expect(word).not.toMatch(/SECRET/);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('random bytes are refused, or are points of one codec that can be written and read again', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    // A count that is small, and zeros behind: more of them are read.
    const likely = fc
      .tuple(fc.nat(3), fc.uint8Array({ maxLength: 30 }))
      .map(([count, some]) => Uint8Array.from([count, 0, 0, 0, ...some, ...new Uint8Array(70)]));
    // One point of any fields, as protobuf has it.
    const point = bytes.map((some) => Uint8Array.from([0x0a, some.length & 0x7f, ...some]));
    const read = { compact: 0, protobuf: 0, neither: 0 };
    fc.assert(
      fc.property(fc.oneof(bytes, likely, point), (payload) => {
        const readers = [compact, protobuf].filter(({ decode }) => decode(payload) !== undefined);
        if (payload.length > 0) expect(readers.length).toBeLessThan(2);
        const [codec] = readers;
        read[codec?.name ?? 'neither'] += 1;
        if (codec === undefined) return;
        const points = codec.decode(payload)?.points ?? [];
        expect(codec.decode(codec.encode(points))?.points).toEqual(points);
        if (codec === protobuf) expect(detectCodec(payload)).toBe(protobuf);
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(...Object.values(read))).toBeGreaterThan(0);
  });
});

describe('the two codecs cannot be confused (docs/siot.md, 6)', () => {
  const named = point.filter(({ type }) => type !== '');

  it('no compact payload is taken for protobuf, nor read by it', () => {
    fc.assert(
      fc.property(fc.array(named, { minLength: 1, maxLength: 12 }), (points) => {
        const payload = compact.encode(points);
        expect(detectCodec(payload).name).toBe('compact');
        expect(protobuf.decode(payload)).toBeUndefined();
      }),
    );
  });

  it('no protobuf payload is taken for compact, nor read by it', () => {
    fc.assert(
      fc.property(fc.array(named, { minLength: 1, maxLength: 12 }), (points) => {
        const payload = protobuf.encode(points);
        expect(detectCodec(payload).name).toBe('protobuf');
        expect(compact.decode(payload)).toBeUndefined();
      }),
    );
  });

  it('an empty list is compact', () => {
    expect(detectCodec(new Uint8Array(4)).name).toBe('compact');
    expect(protobuf.decode(new Uint8Array(4))).toBeUndefined();
  });

  it('ten points, whose count is the tag of a protobuf point', () => {
    const ten = compact.encode(
      Array.from({ length: 10 }, () => makePoint({ type: 't', value: floatValue(1) })),
    );
    expect(detectCodec(ten).name).toBe('compact');
    expect(protobuf.decode(ten)).toBeUndefined();
  });
});

describe('invalid points affect no others', () => {
  const good = mcuPoint({ type: 'good', value: 1 });
  const odd = (dataType: number, data: Uint8Array) =>
    mcuPoint({ type: 'odd', value: { dataType, data } });

  it.each([
    ...[1, 2, 3, 5, 6, 7, 9].map((length) => [`float of ${length} bytes`, 1, length] as const),
    ...[3, 5, 6, 7, 9].map((length) => [`int of ${length} bytes`, 2, length] as const),
    ['float of no bytes', 1, 0] as const,
    ['int of no bytes', 2, 0] as const,
    ['unknown dataType 5', 5, 0] as const,
    ['unknown dataType 255', 255, 8] as const,
  ])('%s is skipped and counted, the others go on', (_, dataType, length) => {
    const payload = POINT_CODECS.compact.encode([
      good,
      odd(dataType, new Uint8Array(length)),
      good,
    ]);
    const read = compact.decode(payload)!;
    expect(read.oddValues).toBe(1);
    expect(read.points.map(({ type }) => type)).toEqual(['good', 'good']);
  });

  it('text that is not UTF-8 is mended with U+FFFD and counted: compact', () => {
    const payload = POINT_CODECS.compact.encode([
      odd(3, Uint8Array.of(0x61, 0xff, 0x62)),
      odd(4, Uint8Array.of(0xc3)),
      mcuPoint({ type: 'fine', value: 'ü€😀' }),
    ]);
    const read = compact.decode(payload)!;
    expect(read.mendedTexts).toBe(2);
    expect(read.points.map(({ value: v }) => textOf(v))).toEqual(['a\ufffdb', '\ufffd', 'ü€😀']);
  });

  it('text that is not UTF-8 is mended with U+FFFD and counted: protobuf', () => {
    // 1201 "t"; 4203 61 ff 62
    const read = protobuf.decode(fromHex('0a08' + '120174' + '420361ff62'))!;
    expect(read.mendedTexts).toBe(1);
    expect(textOf(read.points[0]!.value)).toBe('a\ufffdb');
  });

  it('a U+FFFD that really was sent is no mending', () => {
    for (const codec of [compact, protobuf]) {
      const payload = POINT_CODECS[codec.name].encode([mcuPoint({ type: 't', value: '\ufffd' })]);
      expect(codec.decode(payload)?.mendedTexts).toBe(0);
    }
  });

  it('a short text that was mended once is mended again, from the same bytes', () => {
    const payload = POINT_CODECS.compact.encode([odd(3, Uint8Array.of(0xfe))]);
    expect(compact.decode(payload)?.mendedTexts).toBe(1);
    expect(compact.decode(payload)?.mendedTexts).toBe(1);
  });
});

describe('texts', () => {
  it('are copied: the buffer may be overwritten afterwards', () => {
    const payload = compact.encode([makePoint({ type: 'volatile', value: stringValue('keep') })]);
    const first = compact.decode(payload)!.points[0]!;
    payload.fill(0x41);
    expect(first).toMatchObject({ type: 'volatile', value: stringValue('keep') });
    const again = compact.encode([makePoint({ type: 'volatile', value: stringValue('kept') })]);
    expect(compact.decode(again)!.points[0]).toMatchObject({
      type: 'volatile',
      value: stringValue('kept'),
    });
  });

  it('of equal length and different bytes are never mixed up', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 200 }), (types) => {
        const points = types.map((type) => makePoint({ type, value: NO_VALUE }));
        const read = compact.decode(compact.encode(points))!;
        expect(read.points.map(({ type }) => type)).toEqual(types);
      }),
    );
  });
});
