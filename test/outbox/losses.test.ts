/**
 * What is told when something has happened to the outbox's files while the gateway
 * was away: each loss of acknowledged points, with a number that is not too high and
 * times that hold them; and nothing where nothing is lost.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { FILE_HEADER, readBlock } from '../../src/outbox/block.js';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { floatValue, makePoint, numberOf } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { SimDisk } from './sim-disk.js';
import { recordingLog, type Said } from '../support/recording-log.js';

/** Files of 4 KiB. */
const MAX_BYTES = 131_072;
const NODES = ['pump', 'fan', 'mill'];
const NS_PER_S = 1_000_000_000n;
const TALLY = 'tally';

/** Contents of all files, to be spoilt over and over. */
type Files = ReadonlyMap<string, Buffer>;

interface Left {
  readonly files: Files;
  /** What was acknowledged and waits, by lane: the points’ numbers, which are also their seconds. */
  readonly waits: ReadonlyMap<string, ReadonlySet<number>>;
}

const open = (disk: SimDisk, clock: FakeClock, said: Said[] = []): Promise<DiskOutbox> =>
  DiskOutbox.open({
    folder: disk,
    maxBytes: MAX_BYTES,
    clock,
    log: recordingLog(said),
    reasonOf: String,
    nameOf: (nodeId) => `link ${nodeId}`,
  });

/** A run in which points come each second, and are delivered now and then. */
async function life(end: 'closed' | 'killed'): Promise<Left> {
  const disk = new SimDisk();
  const clock = new FakeClock();
  const outbox = await open(disk, clock);
  const waits = new Map(NODES.map((node) => [node, new Set<number>()]));
  for (let n = 1; n <= 100; n += 1) {
    for (const node of NODES) {
      const lane = outbox.lane(node);
      const points = Array.from({ length: 6 }, (_, i) =>
        makePoint({ type: `type-${String(i)}`, value: floatValue(n), time: BigInt(n) * NS_PER_S }),
      );
      lane.put(points, () => waits.get(node)?.add(n));
    }
    await clock.advanceAsync(1_000);
    disk.nowNs = BigInt(n) * NS_PER_S;
    // The pump’s are delivered in part, the others not at all.
    if (n % 10 !== 0) continue;
    const lane = outbox.lane('pump');
    lane.settleThrough(lane.first + 23);
    for (const one of [...(waits.get('pump') ?? [])].slice(0, 4)) waits.get('pump')?.delete(one);
  }
  if (end === 'closed') await outbox.close();
  else await clock.advanceAsync(3_000);
  return { files: contents(disk), waits };
}

function contents(disk: SimDisk): Files {
  return new Map(disk.names.map((name) => [name, Buffer.from(disk.content(name))]));
}

async function diskOf(files: Files, endNs = 101n * NS_PER_S): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.nowNs = endNs;
  for (const [name, content] of files) await (await disk.create(name)).write(content, 0);
  return disk;
}

interface Seen {
  readonly lost: ReadonlyMap<string, ReadonlySet<number>>;
  readonly said: readonly Said[];
  readonly outbox: DiskOutbox;
}

/** What the next run finds and logs. */
async function seen(files: Files, { waits }: Left): Promise<Seen> {
  const said: Said[] = [];
  const outbox = await open(await diskOf(files), new FakeClock(), said);
  const lost = new Map([...waits].map(([node, all]) => [node, new Set(all)]));
  for (const lane of outbox.lanes()) {
    for (let at = lane.first; at < lane.next; at += 1) {
      const point = lane.read(at);
      if (point?.type === 'type-5') lost.get(lane.nodeId)?.delete(numberOf(point.value));
    }
  }
  return { lost, said, outbox };
}

const LOSS =
  /at least (\d+) point\(s\) of link (\w+) are lost .*, (?:up to|from between (\S+) and) (\S+): /;
const MAYBE = /may be lost/;

/** What the log says is lost, against what is lost. */
function expectToldOf({ lost, said, outbox }: Seen): void {
  const told = new Map<string, RegExpExecArray>();
  for (const { message } of said) {
    const found = LOSS.exec(message);
    if (found !== null) told.set(found[2]!, found);
  }
  for (const [node, numbers] of lost) {
    const found = told.get(node);
    if (numbers.size === 0) {
      expect(found?.[0]).toBeUndefined();
      continue;
    }
    if (found === undefined)
      throw new Error(`${numbers.size} packets of ${node} are lost, and nothing is said`);
    const [text, count, , from, to] = found;
    expect(Number(count)).toBeGreaterThan(0);
    expect(Number(count)).toBeLessThanOrEqual(6 * numbers.size);
    expect(outbox.adviceFor(node).join('\n')).toContain(text);
    for (const n of numbers) {
      expect(Date.parse(to!)).toBeGreaterThanOrEqual(n * 1_000);
      if (from !== undefined) expect(Date.parse(from)).toBeLessThanOrEqual(n * 1_000);
    }
  }
}

const logsOf = (files: Files): string[] => [...files.keys()].filter((name) => name !== TALLY);

function spoilt(files: Files, name: string, spoil: (content: Buffer) => Buffer | undefined): Files {
  const copy = new Map(files);
  const content = spoil(Buffer.from(copy.get(name)!));
  if (content === undefined) copy.delete(name);
  else copy.set(name, content);
  return copy;
}

/** Where each block of a file begins and ends. */
function blocksOf(files: Files, name: string): (readonly [number, number])[] {
  const content = files.get(name)!;
  const blocks: (readonly [number, number])[] = [];
  for (let at = FILE_HEADER; at < content.length;) {
    const block = readBlock(content, at, Number.parseInt(name, 10))!;
    blocks.push([at, block.end]);
    at = block.end;
  }
  return blocks;
}

describe.each(['closed', 'killed'] as const)('an outbox that was %s', (end) => {
  let left: Left;
  beforeAll(async () => {
    left = await life(end);
  });

  it('has several files, in which points of all links wait', () => {
    expect(logsOf(left.files).length).toBeGreaterThan(3);
    for (const numbers of left.waits.values()) expect(numbers.size).toBeGreaterThan(30);
  });

  it('reports nothing where nothing has happened', async () => {
    const found = await seen(left.files, left);
    expectToldOf(found);
    expect(found.said.map(({ message }) => message)).toEqual([
      expect.stringMatching(/wait in the outbox$/),
    ]);
    expect(NODES.flatMap((node) => found.outbox.adviceFor(node))).toEqual([]);
  });

  it('reports each block that is damaged, wherever the damage is', async () => {
    const places = [
      () => 1, // magic
      () => 5, // length
      () => 9, // CRC
      () => 12, // kind
      (length: number) => 12 + Math.floor((length - 12) / 2),
      (length: number) => length - 1,
    ];
    let turn = 0;
    for (const name of logsOf(left.files)) {
      for (const [from, to] of blocksOf(left.files, name)) {
        const place = places[turn++ % places.length]!(to - from);
        const files = spoilt(left.files, name, (content) => {
          content[from + place]! ^= 0x55;
          return content;
        });
        expectToldOf(await seen(files, left));
      }
    }
  });

  it.each([0, 0.01, 0.3, 0.99])(
    'reports each file that is cut to %d of its length',
    async (part) => {
      for (const name of logsOf(left.files)) {
        const files = spoilt(left.files, name, (content) =>
          content.subarray(0, Math.floor(content.length * part)),
        );
        expectToldOf(await seen(files, left));
      }
    },
  );

  it('reports files that are cut where a block ends', async () => {
    for (const name of logsOf(left.files)) {
      for (const [at] of blocksOf(left.files, name).filter((_, i) => i % 5 === 0)) {
        expectToldOf(
          await seen(
            spoilt(left.files, name, (content) => content.subarray(0, at)),
            left,
          ),
        );
      }
    }
  });

  it('reports files that are gone, each and all', async () => {
    let gone = left.files;
    for (const name of logsOf(left.files)) {
      expectToldOf(
        await seen(
          spoilt(left.files, name, () => undefined),
          left,
        ),
      );
      gone = spoilt(gone, name, () => undefined);
    }
    expectToldOf(await seen(gone, left));
  });

  it('counts up to the point where no mark of a delivery is lost', async () => {
    const name = logsOf(left.files).at(-1)!;
    const found = await seen(
      spoilt(left.files, name, () => undefined),
      left,
    );
    const fan = found.said.find(({ message }) => message.includes('link fan'))!;
    expect(LOSS.exec(fan.message)![1]).toBe(String(6 * found.lost.get('fan')!.size));
  });

  it('says that more may be lost where the count is gone as well', async () => {
    const uncounted = spoilt(left.files, TALLY, () => undefined);
    expect((await seen(uncounted, left)).said).toHaveLength(1);
    for (const name of logsOf(left.files)) {
      for (const [at] of blocksOf(left.files, name).filter((_, i) => i % 5 === 1)) {
        const { said } = await seen(
          spoilt(uncounted, name, (content) => {
            content[at + 12]! ^= 0x55;
            return content;
          }),
          left,
        );
        expect(said.some(({ message }) => MAYBE.test(message))).toBe(true);
      }
    }
  });

  it('reports it until the next start, and not again', async () => {
    const name = logsOf(left.files)[2]!;
    const files = spoilt(left.files, name, (content) => content.subarray(0, 1_000));
    const disk = await diskOf(files);
    const first = await open(disk, new FakeClock());
    expect(first.adviceFor('fan')).toHaveLength(1);
    await first.close();
    const said: Said[] = [];
    const second = await open(disk, new FakeClock(), said);
    expect(second.adviceFor('fan')).toEqual([]);
    expect(said.filter(({ message }) => LOSS.test(message))).toEqual([]);
  });
});

it('a count that was written only in part is ignored, and the one before is used', async () => {
  const left = await life('closed');
  const tally = left.files.get(TALLY)!;
  for (const at of [0, 4, 60]) {
    const files = spoilt(left.files, TALLY, () => Buffer.from(tally).fill(0, at, at + 2));
    expectToldOf({
      ...(await seen(files, left)),
      lost: new Map(NODES.map((node) => [node, new Set()])),
    });
  }
});

it('a file that is deleted as intended is not reported as a loss, though a crash follows at once', async () => {
  const disk = new SimDisk();
  const clock = new FakeClock();
  const outbox = await open(disk, clock);
  const put = async (node: string, count: number): Promise<void> => {
    const points = Array.from({ length: count }, (_, i) =>
      makePoint({ type: `type-${String(i)}`, value: floatValue(i), time: BigInt(i) }),
    );
    outbox.lane(node).put(points, () => undefined);
    await outbox.flush();
  };
  await put('pump', 5);
  await clock.advanceAsync(1_000);
  expect(disk.names).toContain(TALLY);
  outbox.lane('pump').settleThrough(4);
  // Its mark is in the first file.
  await put('fan', 400);
  await put('mill', 1);
  outbox.lane('fan').settleThrough(399);
  await outbox.flush();
  expect(disk.names).not.toContain('00000001.log');
  const said: Said[] = [];
  const next = await open(await diskOf(contents(disk)), new FakeClock(), said);
  expect(said.filter(({ message }) => LOSS.test(message))).toEqual([]);
  expect(next.lane('mill').length).toBe(1);
});

it('what was delivered after the last count is not counted as lost', async () => {
  const disk = new SimDisk();
  const clock = new FakeClock();
  const outbox = await open(disk, clock);
  const lane = outbox.lane('pump');
  const point = makePoint({ type: 'temp', value: floatValue(1), time: NS_PER_S });
  lane.put([point, point, point, point, point], () => undefined);
  await outbox.flush();
  await clock.advanceAsync(1_000);
  lane.settleThrough(2);
  await outbox.flush();
  const files = spoilt(contents(disk), '00000001.log', (content) => {
    content[FILE_HEADER + 20]! ^= 0x55;
    return content;
  });
  const said: Said[] = [];
  await open(await diskOf(files), new FakeClock(), said);
  const losses = said.map(({ message }) => LOSS.exec(message)?.[1]).filter((one) => one);
  expect(losses).toEqual(['2']);
});
