import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POINT_CODECS, type Protocol } from '../../firmware-sim/codec.js';
import { decodeCobs, encodeFrame, repairedDecodings } from '../../firmware-sim/cobs.js';
import { crc16, decodePacket, encodePacket } from '../../firmware-sim/packet.js';
import { mcuPoint, numberIn, textIn, type McuPoint } from '../../firmware-sim/points.js';
import { PacketReceiver, type ReceiveProblem } from '../../firmware-sim/receiver.js';
import { fromHex, loadVectors, toHex, type Vector, type VectorPoint } from './vectors.js';

const vectors = loadVectors();
const ofKind = (kind: Vector['kind']): Vector[] => vectors.filter((v) => v.kind === kind);
const inside = (frame: Uint8Array): Uint8Array => frame.subarray(1, -1);

/** What the file says of a point, beside what was decoded, in the file's own terms. */
function described(point: McuPoint, vector: Vector): VectorPoint {
  const hex = ((): Pick<VectorPoint, 'dataType' | 'data_hex'> => {
    const { value } = point;
    const buffer = Buffer.alloc(8);
    if (typeof value === 'number')
      return { dataType: 1, data_hex: toHex((buffer.writeDoubleLE(value), buffer)) };
    if (typeof value === 'bigint')
      return { dataType: 2, data_hex: toHex((buffer.writeBigInt64LE(value), buffer)) };
    if (typeof value === 'string') return { dataType: 3, data_hex: toHex(Buffer.from(value)) };
    if (value === undefined) return {};
    if ('json' in value) return { dataType: 4, data_hex: toHex(Buffer.from(value.json)) };
    if ('float32' in value)
      return {
        dataType: 1,
        data_hex: toHex((buffer.writeFloatLE(value.float32), buffer.subarray(0, 4))),
      };
    if ('int' in value)
      return {
        dataType: 2,
        data_hex: toHex(
          (buffer.writeIntLE(Number(value.int), 0, value.bytes), buffer.subarray(0, value.bytes)),
        ),
      };
    throw new Error('no vector has this');
  })();
  return {
    type: point.type,
    ...(point.key === '' ? {} : { key: point.key }),
    ...(point.time === 0n ? {} : { time: String(point.time) }),
    ...(vector.generation === 'gen2'
      ? hex
      : {
          ...(numberIn(point.value) === 0 ? {} : { value: numberIn(point.value) }),
          ...(textIn(point.value) === '' ? {} : { text: textIn(point.value) }),
        }),
  };
}

function receiveAll(bytes: Uint8Array, maxFrameLength = 1024) {
  const packets: string[] = [];
  const problems: ReceiveProblem[] = [];
  let repairs = 0;
  const receiver = new PacketReceiver(
    {
      packet: (_packet, raw, repaired) => {
        packets.push(toHex(raw));
        if (repaired) repairs += 1;
      },
      problem: (problem) => problems.push(problem),
    },
    maxFrameLength,
  );
  return { receiver, packets, problems, push: () => receiver.push(bytes), repairs: () => repairs };
}

describe('vectors', () => {
  it('are complete', () => {
    expect(vectors).toHaveLength(58);
  });

  it.each(ofKind('crc'))('$name', (vector) => {
    expect(crc16(fromHex(vector.hex))).toBe(Number(vector.decoded.crc));
  });

  it.each(ofKind('cobs'))('$name decodes, and encodes to the same', (vector) => {
    const raw = fromHex(vector.decoded.raw_hex ?? '');
    expect(toHex(decodeCobs(fromHex(vector.hex).subarray(0, -1)) ?? raw)).toBe(toHex(raw));
    // The alternative ending is accepted and never written.
    if (vector.name !== 'cobs-run-254-alt') {
      expect(toHex(encodeFrame(raw))).toBe(`00${vector.hex}`);
    }
  });

  it.each(ofKind('cobs-defect'))('$name is among the repaired decodings', (vector) => {
    const encoded = fromHex(vector.hex).subarray(0, -1);
    expect(toHex(decodeCobs(encoded) ?? encoded)).toBe(vector.decoded.decodes_to_hex);
    expect([...repairedDecodings(encoded)].map(toHex)).toEqual([vector.decoded.intended_raw_hex]);
  });

  it.each(ofKind('serial-packet'))('$name, both ways', (vector) => {
    const raw = fromHex(vector.hex);
    const frame = fromHex(vector.frame_hex ?? '');
    const packet = decodePacket(raw);
    if (typeof packet !== 'object') throw new Error(packet);
    expect(packet.sequence).toBe(vector.decoded.seq);
    expect(packet.subject).toBe(vector.decoded.subject);
    expect(toHex(packet.payload)).toBe(vector.decoded.payload_hex);
    expect(toHex(encodePacket(packet))).toBe(vector.hex);
    expect(toHex(encodeFrame(raw))).toBe(vector.frame_hex);
    expect(toHex(decodeCobs(inside(frame)) ?? frame)).toBe(vector.hex);

    const { points } = vector.decoded;
    if (points !== undefined) {
      const codec = POINT_CODECS[vector.generation === 'gen1' ? 'protobuf' : 'compact'];
      const decoded = codec.decode(packet.payload) ?? [];
      expect(decoded.map((point) => described(point, vector))).toEqual(points);
      expect(toHex(codec.encode(decoded))).toBe(toHex(packet.payload));
    }
  });

  it.each(ofKind('nats').filter((v) => v.generation === 'gen2' && v.decoded.points !== undefined))(
    '$name, the same list as on the serial line',
    (vector) => {
      const decoded = POINT_CODECS.compact.decode(fromHex(vector.hex)) ?? [];
      expect(decoded.map((p) => p.type)).toEqual(vector.decoded.points?.map((p) => p.type));
      expect(decoded.map((p) => p.origin)).toEqual(
        vector.decoded.points?.map((p) => p.origin ?? ''),
      );
      expect(toHex(POINT_CODECS.compact.encode(decoded))).toBe(vector.hex);
    },
  );

  it.each(ofKind('serial-packet'))('$name arrives whatever the chunks', (vector) => {
    const frame = fromHex(vector.frame_hex ?? '');
    for (let cut = 0; cut <= frame.length; cut += 1) {
      const all = receiveAll(frame);
      const buffer = Uint8Array.from(frame);
      all.receiver.push(buffer.subarray(0, cut));
      buffer.fill(0xaa, 0, cut);
      all.receiver.push(buffer.subarray(cut));
      expect(all.packets).toEqual([vector.hex]);
      expect(all.problems).toEqual([]);
    }
  });
});

describe('compact integers', () => {
  it.each([
    [{ int: -40n, bytes: 1 }, 'd8'],
    [{ int: -300n, bytes: 2 }, 'd4fe'],
    [{ int: -32768n, bytes: 4 }, '0080ffff'],
    [-40n, 'd8ffffffffffffff'],
    [-(2n ** 63n), '0000000000000080'],
  ] as const)('%o is two’s complement', (value, hex) => {
    const point = mcuPoint({ type: 't', value });
    const bytes = POINT_CODECS.compact.encode([point]);
    expect(toHex(bytes)).toContain(hex);
    expect(POINT_CODECS.compact.decode(bytes)).toEqual([point]);
  });
});

describe('protobuf', () => {
  const decode = (hex: string) => POINT_CODECS.protobuf.decode(fromHex(hex));

  it('skips unknown fields and old field 13', () => {
    expect(decode('0a0e1201746805920301002d00000000')).toMatchObject([{ type: 't' }]);
    expect(decode('15000000000a03120174')).toMatchObject([{ type: 't' }]);
  });

  it.each([
    ['length past the end', '0a05120174'],
    ['varint past the end', '0a80'],
    ['varint without end', '0a0d1201748001ffffffffffffffffffff'],
    ['field 0', '0000'],
    ['group', '0b'],
  ])('refuses: %s', (_what, hex) => {
    expect(decode(hex)).toBeUndefined();
  });

  it('keeps text and number', () => {
    const point = mcuPoint({ type: 't', value: { text: 'on', number: 1.5 } });
    expect(POINT_CODECS.protobuf.decode(POINT_CODECS.protobuf.encode([point]))).toEqual([point]);
  });
});

describe('fuzz', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const base = { type: text, key: text, origin: text, time, tombstone: int32 };
  const bytes = fc.uint8Array({ maxLength: 700 });

  it('COBS: what goes in comes out, without zeros inside', () => {
    const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.boolean()), {
      maxLength: 4,
    });
    const shaped = runs.map((all) =>
      Uint8Array.from(
        all.flatMap(([n, zero]) => [...new Array<number>(n).fill(7), ...(zero ? [0] : [])]),
      ),
    );
    fc.assert(
      fc.property(fc.oneof(bytes, shaped), (raw) => {
        const frame = encodeFrame(raw);
        expect(inside(frame).includes(0)).toBe(false);
        expect(frame.length).toBeLessThanOrEqual(
          raw.length + Math.ceil((raw.length + 1) / 254) + 2,
        );
        expect(decodeCobs(inside(frame))).toEqual(raw);
      }),
    );
  });

  it('compact points: both ways', () => {
    const value: fc.Arbitrary<McuPoint['value']> = fc.oneof(
      fc.constant(undefined),
      fc.double(),
      fc.float().map((float32) => ({ float32 })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.integer({ min: -128, max: 127 }).map((n) => ({ int: BigInt(n), bytes: 1 as const })),
      fc.integer({ min: -32768, max: 32767 }).map((n) => ({ int: BigInt(n), bytes: 2 as const })),
      int32.map((n) => ({ int: BigInt(n), bytes: 4 as const })),
      text,
      text.map((json) => ({ json })),
      bytes.map((data) => ({ dataType: 99, data })),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ ...base, value }), { maxLength: 5 }), (points) => {
        expect(POINT_CODECS.compact.decode(POINT_CODECS.compact.encode(points))).toEqual(points);
      }),
    );
  });

  it('protobuf points: both ways', () => {
    const number = fc.float({ noNaN: true }).filter((n) => n !== 0);
    const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    const value: fc.Arbitrary<McuPoint['value']> = fc.oneof(
      fc.constant(undefined),
      number,
      words,
      fc.record({ text: words, number }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ ...base, value }), { maxLength: 5 }), (points) => {
        expect(POINT_CODECS.protobuf.decode(POINT_CODECS.protobuf.encode(points))).toEqual(points);
      }),
    );
  });

  /** Whether it is a payload; if so, what was read is read again when it has been written. */
  function isReadOrRefused(name: Protocol, payload: Uint8Array): boolean {
    const codec = POINT_CODECS[name];
    const points = codec.decode(payload);
    if (points === undefined) return false;
    expect(codec.decode(codec.encode(points))).toEqual(points);
    return true;
  }

  it.each(['protobuf', 'compact'] as const)('%s: any bytes are refused or read', (name) => {
    // A count that is small, and zeros behind: more of them are read.
    const likely = fc
      .tuple(fc.nat(3), fc.uint8Array({ maxLength: 40 }))
      .map(([count, some]) => Uint8Array.from([count, 0, 0, 0, ...some, ...new Uint8Array(99)]));
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(fc.oneof(bytes, likely), (payload) => {
        seen.add(isReadOrRefused(name, payload));
      }),
    );
    expect(seen).toContain(false);
    if (name === 'compact') expect(seen).toContain(true);
  });

  it('every prefix and every corrupted byte of every payload is refused or read', () => {
    const counts = { read: 0, refused: 0 };
    for (const vector of ofKind('serial-packet')) {
      const payload = fromHex(vector.decoded.payload_hex ?? '');
      for (const name of ['protobuf', 'compact'] as const) {
        for (let end = 0; end < payload.length; end += 1) {
          const broken = Uint8Array.from(payload);
          broken[end] = (broken[end] ?? 0) ^ 0xff;
          for (const some of [payload.subarray(0, end), broken])
            counts[isReadOrRefused(name, some) ? 'read' : 'refused'] += 1;
        }
      }
    }
    expect(counts.read).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(1_000);
  });

  it('a compact list that is cut off anywhere is refused', () => {
    const points = [mcuPoint({ type: 't', key: 'k', value: 'text', origin: 'someone' })];
    const whole = POINT_CODECS.compact.encode(points);
    for (let end = 0; end < whole.length; end += 1) {
      expect(POINT_CODECS.compact.decode(whole.subarray(0, end))).toBeUndefined();
    }
    // What follows the last point is ignored.
    expect(POINT_CODECS.compact.decode(Uint8Array.from([...whole, 1, 2]))).toEqual(points);
  });

  it('a corrupted byte of a packet with a CRC never passes for another', () => {
    for (const vector of ofKind('serial-packet').filter((v) => v.decoded.subject !== 'log')) {
      const frame = fromHex(vector.frame_hex ?? '');
      for (let at = 1; at < frame.length - 1; at += 1) {
        const broken = Uint8Array.from(frame);
        broken[at] = (broken[at] ?? 0) ^ 0x10;
        const all = receiveAll(broken);
        all.push();
        expect(all.packets).toEqual([]);
      }
    }
  });
});

describe('PacketReceiver', () => {
  const packet = (size: number): Uint8Array =>
    encodePacket({ sequence: 1, subject: '', payload: new Uint8Array(size).fill(5) });

  it('survives a frame that is too long and reads the next', () => {
    const good = packet(10);
    const all = receiveAll(Uint8Array.from([...encodeFrame(packet(2000)), ...encodeFrame(good)]));
    all.push();
    expect(all.problems).toEqual(['oversize']);
    expect(all.packets).toEqual([toHex(good)]);
  });

  it('accepts exactly the longest frame', () => {
    const frame = encodeFrame(packet(300));
    const fits = receiveAll(frame, frame.length);
    fits.push();
    expect(fits.packets).toHaveLength(1);
    const short = receiveAll(frame, frame.length - 1);
    short.push();
    expect(short.problems).toEqual(['oversize']);
  });

  it('finds the zero that SIOT’s encoder lost, in one of several full blocks', () => {
    // Two runs of 254 in a row, the second followed by a zero.
    const payload = Uint8Array.from([
      ...new Uint8Array(508 - 6).fill(5), // the header ends in a zero; this starts the run
      ...new Uint8Array(6).fill(6),
      0,
      9,
    ]);
    const raw = encodePacket({ sequence: 1, subject: 'proto', payload });
    const frame = encodeFrame(raw);
    // As SIOT writes it: the code of the empty block after the full one is missing.
    const lost = frame.findLastIndex((byte, at) => byte === 1 && frame[at - 1] === 6);
    const written = Uint8Array.from([...frame.subarray(0, lost), ...frame.subarray(lost + 1)]);
    const all = receiveAll(written);
    all.push();
    expect(all.packets).toEqual([toHex(raw)]);
    expect(all.repairs()).toBe(1);
  });

  it('reports what it cannot read', () => {
    const all = receiveAll(fromHex('00 09 01 02 00 02 01 00'.replaceAll(' ', '')));
    all.push();
    expect(all.problems).toEqual(['malformed', 'short']);
  });
});
