/** Points through each codec, each way. */
import { PAYLOAD_CODECS } from '../src/packet/codecs.js';
import type { PayloadCodec } from '../src/packet/payload.js';
import { floatValue, makePoint } from '../src/point/point.js';
import type { SiotWire } from '../src/siot/wire/wire.js';
import { WIRES } from '../src/siot/wire/wires.js';
import { Child, builtIn } from './child.js';
import { compare, type Comparison, type Measure } from './comparison.js';
import type { BenchOptions } from './plan.js';
import type { CodecArgs } from './roles/codec.js';
import { median } from './statistics.js';

/** Points per second of CPU. */
export interface CodecFigures {
  readonly codec: string;
  readonly encodedPerSecond: number;
  readonly decodedPerSecond: number;
}

interface Subject {
  readonly name: string;
  /** In a payload or a message, as is usual there. */
  readonly points: number;
  readonly codec: PayloadCodec | SiotWire;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'device, protobuf', points: 10, codec: PAYLOAD_CODECS.protobuf },
  { name: 'device, compact', points: 10, codec: PAYLOAD_CODECS.compact },
  { name: 'SIOT generation 1', points: 50, codec: WIRES[1] },
  { name: 'SIOT generation 2', points: 1, codec: WIRES[2] },
];

/** ms until the code is compiled by the optimizer. */
const WARM_MS = 100;
const CALLS = 100;

const ENCODED: Measure = { what: 'encoded, µs/point', of: 'time' };
const DECODED: Measure = { what: 'decoded, µs/point', of: 'time' };

/** Each checkout's codecs in a process of their own, in turn. */
export async function measureInTurn(
  { seconds, rounds, baseline }: BenchOptions,
  comparisons: Comparison[],
): Promise<CodecFigures[]> {
  const modules = [
    new URL('./codec.js', import.meta.url).href,
    ...(baseline === undefined ? [] : [builtIn(baseline, 'bench/codec.js')]),
  ];
  const sides = modules.map((module) => ({
    module,
    child: new Child('roles/codec.js'),
    samples: [] as CodecFigures[][],
  }));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { module, child, samples } of round % 2 === 0 ? sides : sides.toReversed()) {
        const args: CodecArgs = { module, seconds: seconds / 2 / rounds };
        samples.push(await child.ask('measure', args));
      }
    }
  } finally {
    await Promise.all(sides.map(({ child }) => child.stop()));
  }
  const [own = [], others] = sides.map(({ samples }) => samples);
  return SUBJECTS.map(({ name: codec }) => {
    const all = (samples: CodecFigures[][], way: Way): number[] =>
      samples.flat().flatMap((figures) => (figures.codec === codec ? [figures[way]] : []));
    for (const [way, measure] of [
      ['encodedPerSecond', ENCODED],
      ['decodedPerSecond', DECODED],
    ] as const) {
      if (others === undefined) continue;
      const us = (perSecond: number): number => 1e6 / perSecond;
      const name = `codec ${codec}`;
      comparisons.push(compare(name, measure, all(own, way).map(us), all(others, way).map(us)));
    }
    return {
      codec,
      encodedPerSecond: median(all(own, 'encodedPerSecond')),
      decodedPerSecond: median(all(own, 'decodedPerSecond')),
    };
  });
}

type Way = 'encodedPerSecond' | 'decodedPerSecond';

/** Called by benches of other checkouts, so its signature must not change. */
export function measureCodecs(seconds: number, rounds: number): CodecFigures[] {
  return SUBJECTS.map(({ name, points: count, codec }) => {
    const points = Array.from({ length: count }, (_, i) =>
      makePoint({
        type: 'temperature',
        key: String(i),
        value: floatValue(i / 8),
        time: 1_767_323_045_678_901_234n + BigInt(i),
      }),
    );
    const payload = codec.encode(points);
    const perSecond = (work: () => unknown): number => {
      callsPerSecond(work, WARM_MS);
      const ms = (seconds * 1000) / rounds;
      const samples = Array.from({ length: rounds }, () => callsPerSecond(work, ms));
      return median(samples) * count;
    };
    return {
      codec: name,
      encodedPerSecond: perSecond(() => codec.encode(points)),
      decodedPerSecond: perSecond(() => codec.decode(payload)),
    };
  });
}

/** Calls per second of CPU: other load of the computer is not counted. */
function callsPerSecond(work: () => unknown, ms: number): number {
  const start = process.cpuUsage();
  let calls = 0;
  let usedUs = 0;
  while (usedUs < ms * 1000) {
    for (let i = 0; i < CALLS; i++) work();
    calls += CALLS;
    const { user, system } = process.cpuUsage(start);
    usedUs = user + system;
  }
  return (calls / usedUs) * 1e6;
}
