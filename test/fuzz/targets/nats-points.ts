/** Points on NATS, of both generations. */
import { UndecodableError } from '../../siot-store/codec-compact.js';
import { DIALECTS } from '../../siot-store/dialect.js';
import type { SeededRandom } from '../../../firmware-sim/random.js';
import { UNSET_NS, type StorePoint } from '../../siot-store/point.js';
import { numberOf, textOf, type Point } from '../../../src/point/point.js';
import { canonicalKey } from '../../../src/point/point.js';
import { WIRES } from '../../../src/siot/wire/wires.js';
import { natsPayloads, choice, somePoints, TIMES, TYPES, unsigned } from '../inputs.js';
import { compactPoints } from '../../../firmware-sim/compact.js';
import { fromMcu } from './compact.js';
import { agree, must, type FuzzTarget } from '../target.js';

const INT64 = 2n ** 63n;

/** By the stand-in for SIOT's store; `undefined`: it refuses the message. */
function asStored(version: '0.18.5' | '0.25.0', payload: Uint8Array): StorePoint[] | undefined {
  try {
    return DIALECTS[version].decode(payload);
  } catch (error) {
    if (error instanceof UndecodableError) return undefined;
    throw error;
  }
}

export function someStored(random: SeededRandom): StorePoint {
  return {
    type: choice(random, TYPES),
    key: choice(random, ['', '0', 'motor', '1']),
    time: choice(random, TIMES),
    tombstone: random.below(3),
    origin: choice(random, ['', 'user-1']),
    content: {
      kind: 'pair',
      value: choice(random, [0, -0, 1, 23.5, NaN]),
      text: choice(random, ['', 'é', 'auto']),
    },
  };
}

const plain = ({ type, key, time, value, tombstone, origin }: Point): object => ({
  type,
  key,
  time,
  value: unsigned(numberOf(value)),
  text: textOf(value),
  tombstone,
  origin,
});

export const generation1Target: FuzzTarget = {
  name: 'generation1',
  files: ['src/siot/wire/generation1.ts'],
  maxLength: 1_200,
  words: ['\x0a', '\x12\x04temp', '\x2a\x0c', '\x21', Uint8Array.of(0x80, 0x80, 0x80, 0x80, 8)],
  corpus: () => natsPayloads('gen1'),
  generate: (random) =>
    DIALECTS['0.18.5'].encode(Array.from({ length: random.below(4) }, () => someStored(random))),
  check: (input) => {
    const ours = WIRES[1].decode(input);
    const stored = asStored('0.18.5', input);
    if (stored !== undefined) {
      must(ours !== undefined, 'refused, and taken by the store');
      agree('odd', ours.odd, 0);
      agree('points, and by the store', ours.points.map(plain), stored.map(plainStored));
    }
    if (ours === undefined) return;
    const fit = ours.points.filter(({ time }) => time >= -INT64 && time < INT64);
    const again = WIRES[1].decode(WIRES[1].encode(fit));
    agree('written and read again', again?.points.map(plain), fit.map(canonical).map(plain));
  },
};

const canonical = (point: Point): Point => ({ ...point, key: canonicalKey(point.key) });

/** A Timestamp of generation 1 reaches the year 9999, everything else 2262; year 1 is "now". */
export const reached = (time: bigint): bigint => {
  if (time === UNSET_NS || BigInt.asIntN(64, time) === time) return time;
  return time < 0n ? -INT64 : INT64 - 1n;
};

function plainStored({ content, ...point }: StorePoint): object {
  const { value, text } = content.kind === 'pair' ? content : { value: 0, text: '' };
  const { type, key, time, tombstone, origin } = point;
  return { type, key, time: reached(time), value: unsigned(value), text, tombstone, origin };
}

export const generation2Target: FuzzTarget = {
  name: 'generation2',
  files: ['src/siot/wire/generation2.ts'],
  maxLength: 1_200,
  words: ['temp', Uint8Array.of(1, 0, 0, 0), Uint8Array.of(3, 0, 0), Uint8Array.of(2, 1, 0)],
  corpus: () => natsPayloads('gen2'),
  generate: (random) => compactPoints.encode(somePoints(random)),
  check: (input) => {
    const ours = WIRES[2].decode(input);
    const stored = asStored('0.25.0', input);
    agree('readable, and by the store', ours !== undefined, stored !== undefined);
    const device = compactPoints.decode(input);
    if (ours === undefined || device === undefined || stored === undefined) return;
    agree('as many as the store has', ours.points.length + ours.odd, stored.length);
    agree('points, and by the simulated device', ours.points, fromMcu(device).points);
    const again = WIRES[2].decode(WIRES[2].encode(ours.points));
    agree('written and read again', again?.points, ours.points.map(canonical));
  },
};
