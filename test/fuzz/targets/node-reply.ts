import { compactPoints } from '../../../firmware-sim/compact.js';
import { mcuPoint } from '../../../firmware-sim/points.js';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { numberOf, textOf, type PointValue } from '../../../src/point/point.js';
import { decodeNodes, type StoredNode } from '../../../src/siot/nodes/node-reply.js';
import { encodeNodes } from '../../siot-store/codec-protobuf.js';
import { typedNumber, typedText, type StorePoint } from '../../siot-store/point.js';
import { choice, unsigned } from '../inputs.js';
import { protoText, reader, type ReflectedPoint } from '../reflection.js';
import { agree, must, type FuzzTarget } from '../target.js';
import { reached, someStored } from './nats-points.js';
import { fromMcu } from './compact.js';

// The points stay bytes: one that is broken must not cost the others.
const RAW = protoText('siot').replaceAll(
  /repeated Point (points = 3|edgePoints)/g,
  'repeated bytes $1',
);

interface RawReply {
  readonly nodes: readonly {
    readonly id: string;
    readonly type: string;
    readonly parent: string;
    readonly hash: number;
    readonly points: readonly Uint8Array[];
    readonly edgePoints: readonly Uint8Array[];
  }[];
  readonly error: string;
}
const reflectedReply = reader<RawReply>(RAW, 'siot.NodesReply');
const reflectedPoint = reader<ReflectedPoint & { time?: { seconds: string; nanos: number } }>(
  protoText('siot'),
  'siot.Point',
);

function someNode(random: SeededRandom): Parameters<typeof encodeNodes>[0][number] {
  const points = Array.from({ length: random.below(4) }, (): StorePoint => {
    const point = someStored(random);
    if (random.chance(0.3)) return point;
    const content = choice(random, [
      typedNumber(0),
      typedNumber(23.5),
      typedText('auto'),
      { kind: 'typed', dataType: 2, data: Uint8Array.of(0xd8) } as const,
      { kind: 'typed', dataType: 9, data: Uint8Array.of(1) } as const,
    ]);
    return { ...point, content };
  });
  return {
    id: choice(random, ['dev-1', 'root', '']),
    type: choice(random, ['mcu', 'device', '']),
    parent: choice(random, ['root', 'dev-2']),
    points,
    edgePoints: points.slice(0, 1).map((point) => ({ ...point, type: 'tombstone' })),
    hash: choice(random, [0, 12345, -1]),
  };
}

/** What a store answers to a query. */
export const nodeReplyTarget: FuzzTarget = {
  name: 'node-reply',
  files: ['src/siot/nodes/node-reply.ts', 'src/siot/wire/generation1.ts'],
  maxLength: 3_000,
  words: ['\x0a', '\x12', '\x1a', '\x3a', 'tombstone', Uint8Array.of(0x80, 1, 1)],
  corpus: () => [
    new Uint8Array(0),
    ...[1, 2, 3, 4].map((seed) => someReply(seed)),
    encodeNodes([], 'NATS handler: Error getting node x from db: no') ?? new Uint8Array(0),
  ],
  generate: (random) => reply(random),
  check: (input) => {
    const ours = decodeNodes(input);
    const theirs = reflectedReply(input);
    if (theirs === undefined) return;
    if (theirs.error !== '') {
      agree('error', ours, { kind: 'error', text: theirs.error.trim() });
      return;
    }
    must(ours.kind === 'nodes', `${ours.kind}, and readable by protobufjs`);
    agree(
      'nodes',
      ours.nodes.map(({ id, type, parent }) => [id, type, parent]),
      theirs.nodes.map(({ id, type, parent }) => [id, type, parent]),
    );
    const raw = theirs.nodes.flatMap(({ points, edgePoints }) => [...points, ...edgePoints]);
    const read = ours.nodes.flatMap(({ points, edgePoints }) => [...points, ...edgePoints]);
    agree('points, read or odd', read.length + ours.odd, raw.length);
    must(ours.generation !== 1 || ours.nodes.length > 0, 'a generation, from nothing');
    if (ours.odd === 0) agree('points', read.map(plain), raw.map(plainReflected));
  },
};

const plain = ({ value, ...point }: StoredNode['points'][number]): object => ({
  ...common(point),
  time: point.time,
  number: unsigned(numberOf(value)),
  text: textOf(value),
});

const common = ({
  type,
  key,
  tombstone,
  origin,
}: Omit<StoredNode['points'][number], 'value' | 'time'>): object => ({
  type,
  key,
  tombstone,
  origin,
});

function plainReflected(bytes: Uint8Array): unknown {
  const point = reflectedPoint(bytes);
  // Text that is not UTF-8, which ours mends.
  if (point === undefined) return plain(decodeAlone(bytes));
  const { seconds = '0', nanos = 0 } = point.time ?? {};
  const value = valueOf(point);
  return {
    ...common(point),
    time: reached(BigInt(seconds) * 1_000_000_000n + BigInt(nanos)),
    number: unsigned(numberOf(value)),
    text: textOf(value),
  };
}

function valueOf({ dataType, data, value, text }: ReflectedPoint): PointValue {
  if (dataType === 0) {
    if (text !== '') return { kind: 'string', text, ...(value === 0 ? {} : { number: value }) };
    return { kind: 'float', number: value };
  }
  const read = fromMcu(
    compactPoints.decode(
      compactPoints.encode([mcuPoint({ type: 'x', value: { dataType, data } })]),
    ) ?? [],
  );
  return read.points[0]?.value ?? { kind: 'none' };
}

/** One point, in a reply of its own. */
function decodeAlone(bytes: Uint8Array): StoredNode['points'][number] {
  const field = (tag: number, inner: Uint8Array): Uint8Array =>
    Uint8Array.from([tag, ...varint(inner.length), ...inner]);
  const alone = decodeNodes(field(0x0a, field(0x1a, bytes)));
  const point = alone.kind === 'nodes' ? alone.nodes[0]?.points[0] : undefined;
  must(point !== undefined, 'a point that is read among others, and not alone');
  return point;
}

const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];

const reply = (random: SeededRandom): Uint8Array =>
  encodeNodes(Array.from({ length: 1 + random.below(3) }, () => someNode(random))) ??
  new Uint8Array(0);

const someReply = (seed: number): Uint8Array => reply(new SeededRandom(seed));
