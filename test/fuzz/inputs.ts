/** Valid inputs: the worked examples of docs/siot.md, and points made up by chance. */
import { encodeFrame } from '../../firmware-sim/cobs.js';
import type { McuPoint, McuValue } from '../../firmware-sim/points.js';
import type { SeededRandom } from '../../firmware-sim/random.js';
import type { Deframer } from '../../src/framing/framing.js';
import { fromHex, loadVectors } from '../firmware-sim/vectors.js';

const vectors = loadVectors();

export const packets = (): Uint8Array[] =>
  vectors.filter(({ kind }) => kind === 'serial-packet').map(({ hex }) => fromHex(hex));

export const frames = (): Uint8Array[] => [
  ...vectors.flatMap(({ frame_hex }) => (frame_hex === undefined ? [] : [fromHex(frame_hex)])),
  ...vectors.filter(({ kind }) => kind.startsWith('cobs')).map(({ hex }) => fromHex(hex)),
];

export const payloads = (generation: 'gen1' | 'gen2'): Uint8Array[] =>
  vectors
    .filter((vector) => vector.generation !== (generation === 'gen1' ? 'gen2' : 'gen1'))
    .flatMap(({ decoded }) =>
      decoded.payload_hex === undefined ? [] : [fromHex(decoded.payload_hex)],
    );

export const natsPayloads = (generation: 'gen1' | 'gen2'): Uint8Array[] =>
  vectors
    .filter((vector) => vector.kind === 'nats' && vector.generation === generation)
    .map(({ hex }) => fromHex(hex));

/** A frame as a device writes it. */
export const framed = (packet: Uint8Array): Uint8Array => encodeFrame(packet);

export const TYPES = ['temp', 'setpoint', 'uptime', 'description', 'é', '__proto__', 'a.b', ''];
const KEYS = ['', '0', '1', 'motor', '__proto__', 'constructor', 'a b', '>'];
const TEXTS = ['', 'auto', '0', '{"a":1}', '\u{1f600}', '\ufffd', '\0', 'x'.repeat(300)];
const NUMBERS = [0, -0, 1, -1, 23.5, 1e308, -1e-320, NaN, Infinity, 2 ** 53, 16777217];
export const TIMES = [0n, 1n, -1n, 1_767_323_045_678_901_234n, 60_000_000_000n, 2n ** 63n - 1n];

export function choice<T>(random: SeededRandom, all: readonly [T, ...T[]] | readonly T[]): T {
  const chosen = all[random.below(all.length)];
  if (chosen === undefined && all.length === 0) throw new RangeError('nothing to choose from');
  return chosen as T;
}

export function somePoint(random: SeededRandom): McuPoint {
  return {
    type: choice(random, TYPES),
    key: choice(random, KEYS),
    time: choice(random, TIMES) - BigInt(random.below(3)),
    value: someValue(random),
    tombstone: random.chance(0.8) ? 0 : random.below(3),
    origin: random.chance(0.8) ? '' : choice(random, KEYS),
  };
}

export const somePoints = (random: SeededRandom, most = 4): McuPoint[] =>
  Array.from({ length: random.below(most + 1) }, () => somePoint(random));

function someValue(random: SeededRandom): McuValue {
  switch (random.below(8)) {
    case 0:
      return undefined;
    case 1:
      return choice(random, TEXTS);
    case 2:
      return BigInt.asIntN(64, BigInt(random.below(2 ** 32)) << BigInt(random.below(40)));
    case 3:
      return { float32: Math.fround(choice(random, NUMBERS)) };
    case 4:
      return { int: BigInt(random.below(256) - 128), bytes: choice(random, [1, 2, 4] as const) };
    case 5:
      return { json: choice(random, TEXTS) };
    case 6:
      return { dataType: random.below(7), data: Uint8Array.from({ length: random.below(10) }) };
    default:
      return choice(random, NUMBERS);
  }
}

/** The stream in pieces of these lengths, in turn, each overwritten as soon as it was pushed. */
export function pushInPieces(
  deframer: Pick<Deframer<Uint8Array>, 'push'>,
  stream: Uint8Array,
  lengths: readonly number[],
): void {
  for (let at = 0, turn = 0; at < stream.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1;
    const piece = stream.slice(at, at + length);
    deframer.push(piece);
    piece.fill(0xaa);
    at += length;
  }
}

/** −0 is 0 to everybody, and may be left out. */
export const unsigned = (number: number): number => (number === 0 ? 0 : number);
