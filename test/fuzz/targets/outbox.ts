/** What a crash or a bad disk has made of the outbox's files. */
import { DiskOutbox } from '../../../src/outbox/disk-outbox.js';
import { BlockWriter, FILE_HEADER, fileHeader } from '../../../src/outbox/block.js';
import { OutboxError } from '../../../src/outbox/recovery.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import {
  NO_VALUE,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type Point,
} from '../../../src/point/point.js';
import { SimDisk } from '../../outbox/sim-disk.js';
import { FakeClock } from '../../support/fake-clock.js';
import { agree, must, show, type FuzzTarget } from '../target.js';

const FILE = '00000001.log';
const NODES = ['pump', 'fan', '__proto__'];
const BLOCKS = 12;
const POINTS = 4;

const VALUES = [
  floatValue(23.5),
  stringValue('auto'),
  intValue(-7n),
  jsonValue('{"a":1}'),
  NO_VALUE,
];
/** Positions of each node of which the file says at its end that they are settled. */
const SETTLED = 3;

interface Kept {
  readonly nodeId: string;
  readonly position: number;
  readonly point: Point;
  /** Where its block stands. */
  readonly from: number;
  readonly to: number;
}

/** A sound file, and what is in it. */
const SOUND = makeSound();

function makeSound(): { readonly bytes: Buffer; readonly kept: readonly Kept[] } {
  const writer = new BlockWriter();
  writer.start(1, FILE_HEADER);
  const kept: Kept[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const nodeId = NODES[block % NODES.length] ?? '';
    const first = Math.floor(block / NODES.length) * POINTS;
    const positions = Array.from({ length: POINTS }, (_, i) => first + i);
    const points = positions.map((position) =>
      makePoint({
        type: position % 2 === 0 ? 'temp' : 'mode',
        key: String(position % 3),
        time: BigInt(1_000 + position),
        value: VALUES[position % VALUES.length] ?? NO_VALUE,
      }),
    );
    const from = FILE_HEADER + writer.length;
    writer.points({ nodeId, positions, points });
    const to = FILE_HEADER + writer.length;
    points.forEach((point, i) =>
      kept.push({ nodeId, position: positions[i] ?? 0, point, from, to }),
    );
  }
  const lanes = NODES.map((nodeId) => ({ nodeId, ranges: [[0, SETTLED] as const] }));
  writer.settled({ lanes });
  return { bytes: Buffer.concat([fileHeader(1), writer.bytes]), kept };
}

async function opened(content: Uint8Array): Promise<DiskOutbox | undefined> {
  const disk = new SimDisk();
  const file = await disk.create(FILE);
  await file.write(content, 0);
  try {
    return await DiskOutbox.open({
      folder: disk,
      maxBytes: 1_000_000,
      clock: new FakeClock(),
      log: SILENT_LOG,
      reasonOf: String,
    });
  } catch (error) {
    if (!(error instanceof OutboxError)) throw error;
    must(error.message.includes('another version'), error.message);
    return undefined;
  }
}

/** Each edit is three bytes: where (16 bits), and what is turned there. */
async function damaged(edits: Uint8Array): Promise<void> {
  const bytes = Buffer.from(SOUND.bytes);
  const places: number[] = [];
  for (let at = 0; at + 2 < edits.length; at += 3) {
    const place = ((edits[at] ?? 0) | ((edits[at + 1] ?? 0) << 8)) % bytes.length;
    const turned = edits[at + 2] ?? 0;
    if (turned === 0) continue;
    bytes[place] = (bytes[place] ?? 0) ^ turned;
    places.push(place);
  }
  const outbox = await opened(bytes);
  if (outbox === undefined) {
    must(places.includes(15), 'of another version, and its version was left alone');
    return;
  }
  const lanes = new Map([...outbox.lanes()].map((lane) => [lane.nodeId, lane]));
  for (const { nodeId, position, point, from, to } of SOUND.kept) {
    const read = lanes.get(nodeId)?.read(position);
    const untouched = !places.some(
      (place) => place >= from && place < to && bytes[place] !== SOUND.bytes[place],
    );
    if (untouched && position >= SETTLED) agree(`position ${position} of ${nodeId}`, read, point);
    else
      must(
        read === undefined || show(read) === show(point),
        `position ${position} of ${nodeId} has become ${show(read)}`,
      );
  }
}

/** Whatever stands in the file: it can be opened, read, and written to. */
async function anything(content: Uint8Array): Promise<void> {
  const outbox = await opened(content);
  if (outbox === undefined) return;
  const lane = outbox.lane('pump');
  const point = makePoint({ type: 'after', value: floatValue(1), time: 5n });
  must(
    lane.put([point], () => undefined),
    'no room',
  );
  agree('put and read', lane.read(lane.next - 1), point);
  lane.settleThrough(lane.next - 1);
  agree('left', lane.length, 0);
  await outbox.close();
}

export const outboxTarget: FuzzTarget = {
  name: 'outbox',
  files: [
    'src/outbox/block.ts',
    'src/outbox/bytes.ts',
    'src/outbox/recovery.ts',
    'src/outbox/disk-lane.ts',
  ],
  maxLength: 2_000,
  firstLook: 200,
  words: [
    Uint8Array.of(0xd5, 0xb1, 0x0c, 0xb8),
    'siot-mcu outbox',
    Uint8Array.of(0xff, 0xff, 0xff, 0x7f),
  ],
  corpus: () => [
    Uint8Array.from(SOUND.bytes),
    Uint8Array.from(SOUND.bytes.subarray(0, 100)),
    Uint8Array.of(15, 0, 1),
    Uint8Array.of(40, 0, 255, 60, 0, 1, 100, 1, 128),
    new Uint8Array(0),
  ],
  check: async (input) => {
    await damaged(input.subarray(0, 60));
    await anything(input);
  },
};
