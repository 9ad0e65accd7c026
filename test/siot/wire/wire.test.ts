import { readFileSync } from 'node:fs';
import { getHeapSpaceStatistics } from 'node:v8';
import fc from 'fast-check';
import { siot } from '#proto/siot.js';
import { describe, expect, it } from 'vitest';
import {
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type Point,
  type PointValue,
} from '../../../src/point/point.js';
import { decodeNodes, isDeletedEdge, type NodesReply } from '../../../src/siot/nodes/node-reply.js';
import { PIECE_POINTS } from '../../../src/siot/wire/wire.js';
import { WIRES } from '../../../src/siot/wire/wires.js';

interface Vector {
  readonly name: string;
  readonly hex: string;
}

const vectors = (
  JSON.parse(readFileSync(new URL('../../vectors/vectors.json', import.meta.url), 'utf8')) as {
    vectors: Vector[];
  }
).vectors;

function bytesOf(name: string): Uint8Array {
  const vector = vectors.find((v) => v.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return Buffer.from(vector.hex, 'hex');
}

const TIME = 1767323045678901234n;
const by = { time: TIME, origin: 'adapter-1' };
const temp = makePoint({ type: 'temp', key: '0', value: floatValue(23.5), ...by });

describe('points on NATS', () => {
  it.each([1, 2] as const)('of generation %i are those of the worked example', (generation) => {
    const wire = WIRES[generation];
    const bytes = bytesOf(`g${String(generation)}-nats-node-point`);
    expect(Buffer.from(wire.encode([temp])).equals(bytes)).toBe(true);
    expect(Buffer.from(wire.encode([{ ...temp, key: '' }])).equals(bytes)).toBe(true);
    expect(wire.decode(bytes)).toEqual({ points: [temp], odd: 0 });
    const edge = [
      makePoint({ type: 'tombstone', value: floatValue(0), ...by }),
      makePoint({ type: 'nodeType', value: stringValue('serialDev'), ...by }),
    ];
    const edgeBytes = bytesOf(`g${String(generation)}-nats-edge-create`);
    expect(wire.decode(edgeBytes)).toEqual({ points: edge, odd: 0 });
  });

  it('have the subjects of their generation', () => {
    const [one, two] = [WIRES[1], WIRES[2]];
    expect(one.pointSubject('dev-1', temp)).toBe('p.dev-1');
    expect(two.pointSubject('dev-1', { ...temp, key: '' })).toBe('p.dev-1.temp.0');
    expect(one.edgeSubject('dev-1', 'root-1')).toBe('p.dev-1.root-1');
    expect(two.edgeSubject('dev-1', 'root-1')).toBe('ep.dev-1.root-1');
    expect([one.pointSubscription('d'), one.edgeSubscription('d')]).toEqual(['p.d', 'p.d.*']);
    expect([two.pointSubscription('d'), two.edgeSubscription('d')]).toEqual(['p.d.>', 'ep.d.*']);
  });

  const cases: [string, PointValue, PointValue, PointValue][] = [
    ['a negative integer', intValue(-40n), floatValue(-40), intValue(-40n)],
    ['the least integer', intValue(-(2n ** 63n)), floatValue(-(2 ** 63)), intValue(-(2n ** 63n))],
    ['JSON', jsonValue('{"a":[1]}'), stringValue('{"a":[1]}'), jsonValue('{"a":[1]}')],
    ['text', stringValue('Größe 🢡'), stringValue('Größe 🢡'), stringValue('Größe 🢡')],
    ['nothing', { kind: 'none' }, floatValue(0), { kind: 'none' }],
    ['a number', floatValue(-0.5), floatValue(-0.5), floatValue(-0.5)],
    ['infinity', floatValue(Infinity), floatValue(Infinity), floatValue(Infinity)],
    [
      'text and number',
      { kind: 'string', text: 'on', number: 1 },
      { kind: 'string', text: 'on', number: 1 },
      stringValue('on'),
    ],
  ];
  it.each(cases)('keep %s as their generation can', (_name, value, first, second) => {
    const point = { ...temp, value, tombstone: 3 };
    expect(WIRES[1].decode(WIRES[1].encode([point]))?.points).toEqual([{ ...point, value: first }]);
    expect(WIRES[2].decode(WIRES[2].encode([point]))?.points).toEqual([
      { ...point, value: second },
    ]);
  });

  it.each(cases)('in two parts are the same as in one: %s', (_name, value) => {
    const { single, encode } = WIRES[2];
    for (const point of [
      { ...temp, value, tombstone: 3 },
      { ...temp, value, key: '', origin: '' },
    ]) {
      const head = single?.head(point) ?? new Uint8Array(0);
      const tail = Buffer.alloc(7 + (single?.tailLength(point) ?? 0));
      single?.writeTail(tail, new DataView(tail.buffer, tail.byteOffset), 7, point);
      expect(Buffer.concat([head, tail.subarray(7)])).toEqual(encode([point]));
    }
  });

  it('keep their nanoseconds, also before 1970', () => {
    for (const time of [0n, 1n, -1n, -1_000_000_001n, TIME, -62_135_596_800_000_000_000n]) {
      expect(WIRES[1].decode(WIRES[1].encode([{ ...temp, time }]))?.points[0]?.time).toBe(time);
    }
  });

  it('of the other generation, or of none, are not taken for points', () => {
    expect(WIRES[1].decode(WIRES[2].encode([temp]))).toBeUndefined();
    expect(WIRES[2].decode(WIRES[1].encode([temp]))).toBeUndefined();
    expect(WIRES[1].decode(new Uint8Array(0))).toEqual({ points: [], odd: 0 });
    expect(WIRES[2].decode(new Uint8Array(0))).toBeUndefined();
  });

  it.each([WIRES[1], WIRES[2]])(
    'are decoded in small pieces, and none is lost: $generation',
    (wire) => {
      const many = Array.from({ length: 1_001 }, (_, n) => ({ ...temp, key: String(n) }));
      const bytes = wire.encode(many);
      const pieces = [...(wire.pieces(bytes) ?? [])];
      expect(pieces.flatMap(({ points }) => points)).toEqual(many);
      expect(Math.max(...pieces.map(({ points }) => points.length))).toBe(PIECE_POINTS);
      expect(wire.pieces(bytes.subarray(0, -1))).toBeUndefined();
    },
  );

  it('that are broken affect only themselves in generation 1', () => {
    const good = siot.Points.encode({ points: [{ type: 'a', time: { seconds: 1 } }] }).finish();
    const broken = Uint8Array.from([0x0a, 0x03, 0x12, 0x7f, 0x41]);
    const decoded = WIRES[1].decode(Buffer.concat([good, broken, good]));
    expect(decoded?.points.map(({ type }) => type)).toEqual(['a', 'a']);
    expect(decoded?.odd).toBe(1);
    const pieces = [...(WIRES[1].pieces(Buffer.concat([good, broken, good])) ?? [])];
    expect(pieces).toEqual([decoded]);
  });

  // A Timestamp reaches the year 9999, an int64 of nanoseconds, as everything else has it, 2262.
  it('with a time beyond an int64 get its first or last value in generation 1', () => {
    const most = 2n ** 63n - 1n;
    const times: [number, number, bigint][] = [
      [-62_135_596_801, 0, -most - 1n], // before year 1, which says "now"
      [-9_223_372_037, 145_224_191, -most - 1n],
      [-9_223_372_037, 145_224_192, -most - 1n],
      [-9_223_372_037, 145_224_193, -most],
      [9_223_372_036, 854_775_806, most - 1n],
      [9_223_372_036, 854_775_807, most],
      [9_223_372_036, 854_775_808, most],
      [253_402_300_799, 999_999_999, most],
    ];
    const points = times.map(([seconds, nanos]) => ({ type: 't', time: { seconds, nanos } }));
    const decoded = WIRES[1].decode(siot.Points.encode({ points }).finish());
    expect(decoded?.points.map(({ time }) => time)).toEqual(times.map(([, , time]) => time));
    expect(decoded?.odd).toBe(0);
    const reply = decodeNodes(siot.NodesReply.encode({ nodes: [{ id: 'd', points }] }).finish(), 1);
    if (reply.kind !== 'nodes') throw new Error(reply.kind);
    expect(reply.nodes[0]?.points.map(({ time }) => time)).toEqual(times.map(([, , ns]) => ns));
    expect(reply.odd).toBe(0);
  });

  it.each([WIRES[1], WIRES[2]])(
    'of any bytes are none, or the same whole and in pieces: $generation',
    (wire) => {
      const bytes = fc.uint8Array({ maxLength: 80 });
      const changed = fc
        .tuple(fc.nat(), fc.nat(255), fc.integer({ min: 1, max: 5 }))
        .map(([at, byte, count]) => {
          const good = Uint8Array.from(wire.encode(Array<Point>(count).fill(temp)));
          good[at % good.length] = byte;
          return good;
        });
      const seen = { none: 0, points: 0 };
      fc.assert(
        fc.property(fc.oneof(bytes, changed), (payload) => {
          const whole = wire.decode(payload);
          const pieces = wire.pieces(payload);
          seen[whole === undefined ? 'none' : 'points'] += 1;
          if (whole === undefined || pieces === undefined) {
            expect([whole, pieces]).toEqual([undefined, undefined]);
            return;
          }
          const all = [...pieces];
          expect(all.flatMap(({ points }) => points)).toEqual(whole.points);
          expect(all.reduce((sum, { odd }) => sum + odd, 0)).toBe(whole.odd);
        }),
      );
      expect(Math.min(seen.none, seen.points)).toBeGreaterThan(0);
    },
  );

  // V8 makes objects from a spread in the old heap: a flood of points filled the memory, 200
  // bytes each.
  it.each([WIRES[1], WIRES[2]])(
    'are decoded without growth of the old heap: $generation',
    (wire) => {
      const bytes = wire.encode(
        Array.from({ length: 8_000 }, (_, n) => ({ ...temp, key: `${n}` })),
      );
      const oldBytes = (): number =>
        getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!
          .space_used_size;
      let made = 0;
      const decode = (times: number): void => {
        for (let n = 0; n < times; n += 1)
          for (const { points } of wire.pieces(bytes) ?? []) made += points.length;
      };
      decode(50);
      let grown = 0;
      made = 0;
      for (let n = 0; n < 50; n += 1) {
        const before = oldBytes();
        decode(1);
        grown += Math.max(0, oldBytes() - before);
      }
      expect(grown / made).toBeLessThan(50);
    },
  );

  it('do not share memory with the bytes that they were read from', () => {
    for (const wire of [WIRES[1], WIRES[2]]) {
      const bytes = Buffer.from(wire.encode([{ ...temp, value: stringValue('some text') }]));
      const decoded = wire.decode(bytes);
      bytes.fill(0xff);
      expect(decoded?.points[0]?.value).toEqual(stringValue('some text'));
    }
  });
});

describe('a node reply', () => {
  const nodesOf = (reply: NodesReply): Extract<NodesReply, { kind: 'nodes' }> => {
    if (reply.kind !== 'nodes') throw new Error(reply.kind);
    return reply;
  };

  it('of any bytes is nodes, an error or broken, and with a changed byte no more than there were', () => {
    const kinds = ['nodes', 'error', 'broken'];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(kinds).toContain(decodeNodes(bytes).kind);
      }),
    );
    for (const generation of [1, 2] as const) {
      const good = bytesOf(`g${String(generation)}-nats-nodes-reply`);
      const whole = nodesOf(decodeNodes(good));
      const seen = new Set<string>();
      for (let at = 0; at < good.length; at += 1) {
        const broken = Uint8Array.from(good);
        broken[at] = (broken[at] ?? 0) ^ 0xff;
        const reply = decodeNodes(broken);
        seen.add(reply.kind);
        if (reply.kind !== 'nodes') continue;
        expect(reply.nodes.length).toBeLessThanOrEqual(whole.nodes.length);
      }
      expect([...seen].sort()).toEqual(['broken', 'nodes']);
    }
  });

  it.each([1, 2] as const)('of generation %i gives the generation away', (generation) => {
    const reply = nodesOf(decodeNodes(bytesOf(`g${String(generation)}-nats-nodes-reply`)));
    expect(reply.generation).toBe(generation);
    const [node] = reply.nodes;
    expect(node).toMatchObject({ id: 'root-1', type: 'device', parent: 'root' });
    const version = generation === 1 ? '0.18.5' : '0.25.0';
    expect(node?.points[0]).toEqual(
      makePoint({ type: 'versionApp', key: '0', value: stringValue(version), time: TIME }),
    );
    expect(node && isDeletedEdge(node)).toBe(false);
  });

  it('of zero bytes is no node, and an error text is one', () => {
    expect(nodesOf(decodeNodes(new Uint8Array(0))).nodes).toEqual([]);
    const error = siot.NodesReply.encode({ error: 'not so\n' }).finish();
    expect(decodeNodes(error)).toEqual({ kind: 'error', text: 'not so' });
    expect(decodeNodes(Uint8Array.from([0x0a, 0x7f, 0x00])).kind).toBe('broken');
  });

  // What 0.22.0 returned for values that were stored (docs/siot.md, 1.1).
  const time = { seconds: 1 };
  const reply = (points: siot.Point.$Properties[], hash: number): Uint8Array =>
    siot.NodesReply.encode({ nodes: [{ id: 'd', parent: 'p', hash, points }] }).finish();
  const values = (points: readonly Point[]): PointValue[] => points.map(({ value }) => value);

  it('of 2a has 0.0 without a dataType and "" without anything', () => {
    const double = (number: number): Uint8Array => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(number);
      return bytes;
    };
    const read = nodesOf(
      decodeNodes(
        reply(
          [
            { type: 'zero', time, data: double(0) },
            { type: 'empty', time },
            { type: 'one', time, dataType: 1, data: double(1) },
            { type: 'odd', time, data: Buffer.from('abc') },
          ],
          5,
        ),
        2,
      ),
    );
    expect(values(read.nodes[0]?.points ?? [])).toEqual([
      floatValue(0),
      stringValue(''),
      floatValue(1),
    ]);
    expect(read.odd).toBe(1);
  });

  it('of 2b has odd points beside good ones', () => {
    const read = nodesOf(
      decodeNodes(
        reply(
          [
            { type: 'none', time },
            { type: 'short', time, dataType: 1, data: Buffer.from('abc') },
            { type: 'unknown', time, dataType: 9, data: Buffer.from('xy') },
            { type: 'f4', time, dataType: 1, data: Buffer.from('0000c03f', 'hex') },
            { type: 'i1', time, dataType: 2, data: Buffer.from('d8', 'hex') },
            { type: 'i2', time, dataType: 2, data: Buffer.from('d4fe', 'hex') },
            { type: 'i4', time, dataType: 2, data: Buffer.from('0080ffff', 'hex') },
            { type: 'bad', time, dataType: 4, data: Buffer.from('{bad') },
            { type: 'utf', time, dataType: 3, data: Buffer.from('fffe', 'hex') },
          ],
          0,
        ),
        2,
      ),
    );
    expect(values(read.nodes[0]?.points ?? [])).toEqual([
      { kind: 'none' },
      floatValue(1.5),
      intValue(-40n),
      intValue(-300n),
      intValue(-32768n),
      jsonValue('{bad'),
      stringValue('\ufffd\ufffd'),
    ]);
    expect(read.odd).toBe(2);
  });

  it('of generation 1 has 0 as nothing, and text beside a number', () => {
    const read = nodesOf(
      decodeNodes(
        reply(
          [
            { type: 'zero', time },
            { type: 'both', time, text: 'on', value: 1 },
          ],
          5,
        ),
        1,
      ),
    );
    expect(values(read.nodes[0]?.points ?? [])).toEqual([
      floatValue(0),
      { kind: 'string', text: 'on', number: 1 },
    ]);
  });
});
