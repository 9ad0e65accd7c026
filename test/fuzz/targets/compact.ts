import { compactPoints } from '../../../firmware-sim/compact.js';
import type { McuPoint, McuValue } from '../../../firmware-sim/points.js';
import { detectCodec } from '../../../src/packet/codecs.js';
import { decodeCompact, encodeCompact, isCompact } from '../../../src/packet/compact.js';
import { protobufCodec } from '../../../src/packet/protobuf.js';
import type { Point, PointValue } from '../../../src/point/point.js';
import { payloads, somePoints } from '../inputs.js';
import { agree, must, type FuzzTarget } from '../target.js';

/** The gateway's form of what the simulated device read; `undefined`: it makes no sense. */
function valueOf(value: McuValue): PointValue | undefined {
  if (value === undefined) return { kind: 'none' };
  if (typeof value === 'number') return { kind: 'float', number: value };
  if (typeof value === 'bigint') return { kind: 'int', integer: value };
  if (typeof value === 'string') return { kind: 'string', text: value };
  if ('float32' in value) return { kind: 'float', number: value.float32 };
  if ('int' in value) return { kind: 'int', integer: value.int };
  if ('json' in value) return { kind: 'json', text: value.json };
  // dataType 0 with bytes: no value, whatever they are.
  if ('dataType' in value && value.dataType === 0) return { kind: 'none' };
  return undefined;
}

export function fromMcu(points: readonly McuPoint[]): { points: Point[]; odd: number } {
  const read = points.flatMap(({ type, key, time, value, tombstone, origin }): Point[] => {
    const ours = valueOf(value);
    return ours === undefined ? [] : [{ type, key, time, value: ours, tombstone, origin }];
  });
  return { points: read, odd: points.length - read.length };
}

/** The compact payload, of devices and on NATS alike. */
export const compactTarget: FuzzTarget = {
  name: 'compact',
  files: ['src/packet/compact.ts', 'src/packet/codecs.ts'],
  maxLength: 2_000,
  words: ['temp', '\x01\x08\0', '\x02\x08\0', '\x03', '\x04', Uint8Array.of(1, 0, 0, 0)],
  corpus: () => payloads('gen2'),
  generate: (random) => compactPoints.encode(somePoints(random)),
  check: (input) => {
    const ours = decodeCompact(input);
    const theirs = compactPoints.decode(input);
    agree('readable', ours !== undefined, theirs !== undefined);
    if (ours === undefined || theirs === undefined) {
      must(!isCompact(input), 'taken for compact, and not readable');
      return;
    }
    const expected = fromMcu(theirs);
    agree('points, and by the simulated device', ours.points, expected.points);
    agree('odd values', ours.oddValues, expected.odd);

    const written = encodeCompact(ours.points);
    must(isCompact(written), 'written, and not compact to the end');
    agree('written and read again', decodeCompact(written)?.points, ours.points);
    agree('known again', detectCodec(written).name, 'compact');
    if (ours.points.length > 0) {
      must(protobufCodec.decode(written) === undefined, 'written, and readable as protobuf');
    }
  },
};
