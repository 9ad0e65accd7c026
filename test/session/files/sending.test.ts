/**
 * A file on its way to a device that takes SIOT's blocks (docs/siot.md, 2.6;
 * docs/contract.md, "Files to the device"), on a line that loses what a test says.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileReceiver } from '../../../firmware-sim/file-receiver.js';
import type { ReceivedPacket } from '../../../firmware-sim/transcript.js';
import { NO_SETBACKS, type OutgoingFile, type Setbacks } from '../../../src/session/files/file.js';
import { SessionHarness, type HarnessOptions, type Sent } from '../../support/session-harness.js';

const GIVE_UP_MS = 60_000;

const indexOf = ({ payload }: Sent): number => Buffer.from(payload).readInt32LE(16);

class Plant {
  readonly device = new FileReceiver();
  readonly harness: SessionHarness;
  /** What of the file's packets the line loses, by their place from 0 among all of them. */
  lost: (packet: Sent, place: number) => boolean = () => false;
  /** ms until an ack. */
  ackMs = 5;
  moved = 0;
  readonly setbacks: Setbacks[] = [];
  #place = 0;

  constructor(
    options: HarnessOptions = {},
    public acksPoints = true,
  ) {
    const acks = (packet: Sent): number | undefined => {
      if (packet.subject !== 'file') return this.acksPoints ? this.ackMs : undefined;
      if (this.lost(packet, this.#place++)) return undefined;
      const acked: number[] = [];
      const mcu = { sendAck: (sequence: number) => acked.push(sequence) };
      this.device.onPacket(packet as unknown as ReceivedPacket, mcu as never);
      return acked.length > 0 ? this.ackMs : undefined;
    };
    this.harness = SessionHarness.talking({ device: 'compact', ...options, acks });
  }

  get session() {
    return this.harness.session;
  }

  get progress() {
    return this.session.files.progress;
  }

  send(bytes: Uint8Array, name = 'fw.bin', setbacks?: Setbacks): string | undefined {
    const file = { ...fileOf(name, bytes), ...(setbacks === undefined ? {} : { setbacks }) };
    return this.session.files.send(file, GIVE_UP_MS, {
      fileMoved: () => void (this.moved += 1),
      fileSetBack: (all) => void this.setbacks.push(all),
    });
  }

  /** Lets time pass, and what is read from the disk come. */
  async run(ms: number, stepMs = 5): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      for (let i = 0; i < 4; i += 1) await Promise.resolve();
      this.harness.advance(Math.min(stepMs, left));
    }
    for (let i = 0; i < 4; i += 1) await Promise.resolve();
    this.harness.flush();
  }

  /** The device reports something each 5 s. */
  async talk(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5_000) {
      this.harness.points([{ type: 'temp', value: left }]);
      await this.run(Math.min(left, 5_000), 50);
    }
  }

  async until(isReached: () => boolean, mostMs = 600_000): Promise<void> {
    for (let ms = 0; !isReached(); ms += 5) {
      if (ms > mostMs) throw new Error(`not reached: ${JSON.stringify(this.progress)}`);
      await this.run(5);
    }
  }

  ended(): Promise<void> {
    return this.until(() => this.progress?.state !== 'sending');
  }

  /** Of the file's packets written since the last call. */
  indices(): number[] {
    return this.harness
      .take()
      .filter(({ subject }) => subject === 'file')
      .map(indexOf);
  }
}

const fileOf = (name: string, bytes: Uint8Array): OutgoingFile => ({
  name,
  size: bytes.length,
  read: (at, length) => Promise.resolve(bytes.subarray(at, at + length)),
});

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

describe('a file', () => {
  it('goes down in blocks of 400 bytes, one in flight, and its end', async () => {
    const plant = new Plant();
    plant.send(counting(1_000));
    await plant.ended();
    expect(plant.indices()).toEqual([0, 1, 2, -1]);
    expect(plant.progress).toEqual({ name: 'fw.bin', bytes: 1_000, of: 1_000, state: 'done' });
    expect(plant.device.files.map(({ name, bytes }) => [name, [...bytes]])).toEqual([
      ['fw.bin', [...counting(1_000)]],
    ]);
  });

  it('without bytes is its end alone', async () => {
    const plant = new Plant();
    plant.send(new Uint8Array(0));
    await plant.ended();
    expect(plant.indices()).toEqual([-1]);
    expect(plant.device.files[0]?.bytes).toHaveLength(0);
  });

  it('arrives as it was, whatever bytes it has, over a line that loses', async () => {
    // Runs without a zero, about as long as a COBS block; SIOT's encoder loses the zero after 254.
    const run = fc
      .tuple(fc.constantFrom(1, 5, 253, 254, 255, 508, 762), fc.integer({ min: 0, max: 255 }))
      .map(([length, byte]) => Buffer.alloc(length, byte));
    const bytes = fc.array(fc.oneof(run, fc.uint8Array({ maxLength: 300 })), { maxLength: 8 });
    const losses = fc.array(fc.boolean(), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(bytes, losses, async (pieces, lost) => {
        const content = Buffer.concat(pieces);
        const plant = new Plant();
        plant.lost = (_, place) => lost[place] === true;
        plant.send(content);
        await plant.ended();
        expect(plant.progress?.state).toBe('done');
        expect(Buffer.compare(plant.device.files[0]!.bytes, content)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('is larger than what is read of it at once', async () => {
    const plant = new Plant();
    const content = counting(150_000);
    plant.send(content);
    await plant.ended();
    expect(Buffer.compare(plant.device.files[0]!.bytes, content)).toBe(0);
  });

  it('has shorter blocks where maxFrameLength allows no longer ones, and none where it is too small', async () => {
    const plant = new Plant({ maxFrameLength: 100 });
    plant.send(Buffer.alloc(200, 7));
    await plant.ended();
    const packets = plant.harness.written.filter(({ subject }) => subject === 'file');
    expect(Math.max(...packets.map(({ frame }) => frame.length / 2))).toBe(100);
    expect(plant.device.files[0]?.bytes).toHaveLength(200);
    const refusing = new Plant({ maxFrameLength: 57 });
    expect(refusing.send(counting(10))).toMatch(/does not fit into maxFrameLength \(57\)/);
    expect(refusing.progress).toBeUndefined();
  });

  it('is sent one at a time', () => {
    const plant = new Plant();
    expect(plant.send(counting(1_000))).toBeUndefined();
    expect(plant.send(counting(10), 'b')).toBe('fw.bin is being sent');
  });

  it('that cannot be read any more fails with the reason', async () => {
    const plant = new Plant();
    const read = () => Promise.reject(new Error('the disk reports an error'));
    const listener = { fileMoved: () => undefined, fileSetBack: () => undefined };
    plant.session.files.send({ name: 'a', size: 9, read }, GIVE_UP_MS, listener);
    await plant.run(10);
    expect(plant.progress).toMatchObject({
      state: 'failed',
      error: 'the file cannot be read: the disk reports an error',
    });
    expect(plant.harness.clock.pendingTimers).toBeLessThan(5);
  });
});

describe('a block', () => {
  it('is retransmitted at the pace of the device, and unchanged', async () => {
    const plant = new Plant();
    plant.lost = (packet, place) => indexOf(packet) === 1 && place < 4;
    plant.send(counting(1_000));
    await plant.ended();
    const packets = plant.harness.written.filter(({ subject }) => subject === 'file');
    const second = packets.filter((packet) => indexOf(packet) === 1);
    expect(new Set(second.map(({ frame }) => frame)).size).toBe(1);
    expect(second.map(({ atMs }) => atMs - second[0]!.atMs)).toEqual([0, 100, 300, 700]);
    expect(plant.harness.count('retransmission')).toBe(3);
  });

  it('is sent for a minute to a device that talks', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === 1;
    plant.send(counting(1_000));
    await plant.talk(59_000);
    expect(plant.progress).toMatchObject({ state: 'sending', bytes: 400 });
    expect(plant.progress?.reason).toMatch(/^block 1 was sent \d+ times, and the device has not/);
    expect(plant.harness.connected).toEqual([true]);
    plant.lost = () => false;
    await plant.ended();
    expect(plant.progress?.state).toBe('done');
  });

  it('lets settings pass between two tries', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === 1;
    plant.send(counting(1_000));
    await plant.run(10_000);
    plant.harness.points([{ type: 'temp', value: 1 }]);
    const setting = plant.harness.set('target', 5);
    const fromMs = plant.harness.clock.monotonicMs();
    await plant.until(() => setting.state === 'inForce');
    expect(plant.harness.clock.monotonicMs() - fromMs).toBeLessThanOrEqual(1_010);
  });

  it('waits for a setting that is in flight, and a setting for one block', async () => {
    const plant = new Plant();
    plant.ackMs = 20;
    plant.send(counting(4_000));
    await plant.run(90);
    plant.harness.take();
    plant.harness.set('target', 5);
    await plant.until(() => plant.progress?.state === 'done');
    const order = plant.harness.take().filter(({ subject }) => subject !== 'ack');
    expect(order[0]?.point?.type).toBe('target');
  });

  it('that somebody acknowledges before it was sent is sent all the same', async () => {
    const plant = new Plant();
    plant.ackMs = 50;
    plant.send(counting(2_000));
    await plant.run(20);
    for (let sequence = 1; sequence < 255; sequence += 1) {
      const inFlight = plant.harness.written.filter(({ subject }) => subject === 'file').at(-1);
      if (sequence !== inFlight?.sequence) plant.harness.ack(sequence);
    }
    await plant.ended();
    expect(plant.indices()).toEqual([0, 1, 2, 3, 4, -1]);
    expect(plant.device.files[0]?.bytes).toHaveLength(2_000);
  });

  it('is acknowledged late, once, and not sent again', async () => {
    const plant = new Plant();
    plant.ackMs = 150;
    plant.lost = (packet, place) => indexOf(packet) === 0 && place > 0;
    plant.send(counting(500));
    await plant.run(160);
    expect(plant.progress?.bytes).toBe(400);
  });
});

describe('a device', () => {
  it('that acknowledges no points takes a file, and is not taken for one that does', async () => {
    const plant = new Plant({ record: { acknowledges: 'no' } }, false);
    plant.send(counting(1_000));
    await plant.ended();
    expect(plant.progress?.state).toBe('done');
    expect(plant.session.sender.acknowledges).toBe('no');
  });

  it('that refuses the first packet ends the file, with the reason', async () => {
    const plant = new Plant();
    plant.lost = () => true;
    plant.send(counting(1_000));
    for (let i = 0; i < 13; i += 1) {
      plant.harness.points([{ type: 'temp', value: i }]);
      await plant.run(5_000, 50);
    }
    expect(plant.progress?.state).toBe('failed');
    expect(plant.progress?.error).toMatch(/has not acknowledged the first packet .* for 60 s/);
    expect(new Set(plant.indices())).toEqual(new Set([0]));
    await plant.run(5_000, 50);
    expect(plant.indices()).toEqual([]);
  });

  it('that is not heard any more is given up so long after its last sign of life', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) > 0;
    plant.acksPoints = false;
    plant.send(counting(1_000));
    await plant.run(59_000, 50);
    expect(plant.progress?.state).toBe('sending');
    await plant.run(2_000, 50);
    expect(plant.progress).toMatchObject({
      state: 'failed',
      error: 'nothing was heard of the device for 60 s',
    });
    expect(plant.harness.connected).toEqual([true, false]);
  });

  it('that is silent for some seconds gets the block again when it is heard', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === 1;
    plant.acksPoints = false;
    plant.send(counting(1_000));
    await plant.run(20_000, 50);
    expect(plant.harness.connected).toEqual([true, false]);
    plant.lost = () => false;
    plant.acksPoints = true;
    plant.harness.points([{ type: 'temp', value: 1 }]);
    await plant.ended();
    expect(plant.progress?.state).toBe('done');
    expect(plant.device.files[0]?.bytes).toHaveLength(1_000);
  });

  it('that restarts gets the file from its beginning', async () => {
    const plant = new Plant();
    plant.send(counting(4_000));
    await plant.until(() => plant.progress!.bytes >= 1_200);
    plant.device.forget();
    plant.harness.advance(2_000);
    plant.indices();
    plant.harness.hello();
    await plant.ended();
    expect(plant.indices().slice(0, 3)).toEqual(expect.arrayContaining([0, 1]));
    expect(plant.device.files.map(({ bytes }) => bytes.length)).toEqual([4_000]);
  });

  it('that is unplugged gets it from its beginning when it is there again', async () => {
    const plant = new Plant();
    plant.send(counting(4_000));
    await plant.until(() => plant.progress!.bytes >= 1_200);
    plant.harness.close();
    plant.device.forget();
    expect(plant.progress).toMatchObject({
      bytes: 0,
      state: 'sending',
      reason: 'it begins when the device is there',
    });
    await plant.run(30_000, 50);
    plant.indices();
    plant.harness.open();
    await plant.ended();
    expect(plant.indices()[0]).toBe(0);
    expect(plant.device.files.map(({ bytes }) => bytes.length)).toEqual([4_000]);
  });

  it('that has restarted unnoticed gets the file from its beginning after a minute', async () => {
    const plant = new Plant();
    plant.send(counting(4_000));
    await plant.until(() => plant.progress!.bytes >= 1_200);
    plant.device.forget();
    await plant.talk(70_000);
    expect(plant.progress?.state).toBe('done');
    expect(plant.device.files.map(({ bytes }) => bytes.length)).toEqual([4_000]);
    expect(plant.setbacks).toEqual([{ ...NO_SETBACKS, stalls: 1 }]);
  });

  it('that takes no more of a file, and talks, ends it after a second time', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === 3;
    plant.send(counting(4_000));
    await plant.talk(65_000);
    expect(plant.progress?.state).toBe('sending');
    expect(plant.indices().filter((index) => index === 0)).toHaveLength(2);
    await plant.talk(65_000);
    expect(plant.progress?.state).toBe('failed');
    expect(plant.progress?.error).toMatch(/has not acknowledged block 3 of 10 for 60 s: .* again/);
  });

  it('that is silent for most of a minute over a block gets some tries of it more', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === 1;
    plant.acksPoints = false;
    plant.send(counting(1_000));
    await plant.run(58_000, 50);
    plant.acksPoints = true;
    plant.harness.points([{ type: 'temp', value: 1 }]);
    await plant.run(3_000, 50);
    expect(plant.setbacks).toEqual([]);
    plant.lost = () => false;
    await plant.ended();
    expect(plant.progress?.state).toBe('done');
    expect(plant.setbacks).toEqual([]);
  });

  it.each([0, 2])(
    'that restarts each time at block %i is restarted five times, not for ever',
    async (at) => {
      const plant = new Plant();
      plant.lost = (packet) => indexOf(packet) === at;
      plant.send(counting(4_000));
      let restarts = 0;
      while (plant.progress?.state === 'sending') {
        await plant.until(() => plant.indices().includes(at), 10_000);
        await plant.run(6_000, 50);
        plant.device.forget();
        plant.harness.points([{ type: 'temp', value: restarts }]);
        plant.indices();
        plant.harness.hello(1);
        restarts += 1;
      }
      expect(restarts).toBe(5);
      expect(plant.progress?.error).toContain('5 times in a row it has taken no more of it');
      expect(plant.setbacks.map(({ furthest, inRow }) => [furthest, inRow])).toEqual(
        [1, 2, 3, 4].map((inRow) => [at, inRow]),
      );
    },
  );

  it('that restarted so before the gateway was started again is not given as many tries anew', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === 1;
    plant.send(counting(4_000), 'fw.bin', { ...NO_SETBACKS, furthest: 1, inRow: 4 });
    await plant.until(() => plant.indices().includes(1), 10_000);
    plant.harness.close();
    expect(plant.progress?.state).toBe('failed');
  });

  it('that gets further each time is sent the file until it has it', async () => {
    const plant = new Plant();
    let at = 1;
    plant.lost = (packet) => indexOf(packet) === at;
    plant.send(counting(4_000));
    for (; at < 8; at += 1) {
      await plant.until(() => plant.indices().includes(at), 10_000);
      plant.harness.close();
      plant.device.forget();
      plant.harness.open();
    }
    at = 99;
    await plant.ended();
    expect(plant.progress?.state).toBe('done');
  });

  it('that restarts twice at the end, and does not acknowledge it, is not sent the file for ever', async () => {
    const plant = new Plant();
    plant.lost = (packet) => indexOf(packet) === -1;
    plant.send(counting(500));
    for (let i = 0; i < 2; i += 1) {
      await plant.until(() => plant.indices().includes(-1));
      await plant.run(6_000, 50);
      plant.harness.hello(1);
    }
    expect(plant.progress?.state).toBe('failed');
    expect(plant.progress?.error).toContain('may have taken the file');
  });

  it('that is held gets nothing of it', async () => {
    const plant = new Plant();
    plant.session.hold(true);
    plant.send(counting(500));
    await plant.run(1_000);
    expect(plant.indices()).toEqual([]);
    plant.session.hold(false);
    await plant.ended();
    expect(plant.progress?.state).toBe('done');
  });
});

describe('somebody', () => {
  it('ends a file: nothing more of it is sent, and another can be', async () => {
    const plant = new Plant();
    plant.send(counting(4_000));
    await plant.until(() => plant.progress!.bytes >= 1_200);
    expect(plant.session.files.abort()).toBe(true);
    expect(plant.session.files.abort()).toBe(false);
    plant.indices();
    await plant.run(5_000, 50);
    expect(plant.indices()).toEqual([]);
    expect(plant.progress?.state).toBe('aborted');
    plant.send(counting(10), 'b');
    await plant.ended();
    expect(plant.device.files.map(({ name }) => name)).toEqual(['b']);
  });
});

describe('a late ack', () => {
  const lastFile = (plant: Plant): Sent =>
    plant.harness.written.filter(({ subject }) => subject === 'file').at(-1)!;

  /** A block 0 that is in flight, and whose ack has not come. */
  async function unacknowledged(): Promise<{ plant: Plant; sequence: number }> {
    const plant = new Plant();
    plant.lost = () => true;
    plant.send(counting(4_000), 'a');
    await plant.until(() => plant.indices().includes(0), 1_000);
    return { plant, sequence: lastFile(plant).sequence };
  }

  it('of an ended file does not count for the next one', async () => {
    const { plant, sequence } = await unacknowledged();
    plant.session.files.abort();
    plant.send(counting(1_000).reverse(), 'b');
    await plant.until(() => plant.indices().includes(0), 1_000);
    expect(lastFile(plant).sequence).not.toBe(sequence);
    plant.harness.ack(sequence);
    await plant.run(300);
    expect(plant.progress).toMatchObject({ name: 'b', bytes: 0 });
    expect(new Set(plant.indices())).toEqual(new Set([0]));
    plant.lost = () => false;
    await plant.ended();
    expect(plant.device.files.map(({ name, bytes }) => [name, [...bytes]])).toEqual([
      ['b', [...counting(1_000).reverse()]],
    ]);
  });

  it('from before the file has begun again does not count for its new beginning', async () => {
    const { plant, sequence } = await unacknowledged();
    plant.harness.close();
    await plant.run(100);
    plant.harness.open();
    plant.harness.points([{ type: 'temp', value: 1 }]);
    await plant.until(() => plant.indices().includes(0), 1_000);
    plant.harness.ack(sequence);
    await plant.run(300);
    expect(plant.progress).toMatchObject({ name: 'a', bytes: 0, state: 'sending' });
    expect(new Set(plant.indices())).toEqual(new Set([0]));
  });

  it('that was an echo, and of an ended file, does not take the next one back', async () => {
    const { plant, sequence } = await unacknowledged();
    const effect = plant.session.sender.ack(sequence)!;
    expect(plant.progress?.bytes).toBe(400);
    plant.session.files.abort();
    plant.lost = (packet) => indexOf(packet) === 2;
    plant.send(counting(1_000), 'b');
    await plant.until(() => plant.progress!.bytes === 800, 5_000);
    plant.session.sender.takeBack({ acks: [effect], life: undefined, acknowledges: true });
    expect(plant.progress).toMatchObject({ name: 'b', bytes: 800 });
  });
});

it('leaves nothing ticking when the gateway stops', async () => {
  const plant = new Plant();
  plant.send(counting(4_000));
  await plant.run(50);
  plant.session.files.release();
  plant.harness.close();
  await plant.run(10);
  expect(plant.harness.clock.pendingTimers).toBe(0);
});
