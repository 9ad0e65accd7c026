import { describe, expect, it } from 'vitest';
import { CanBuses } from '../../../src/transport/can/bus.js';
import type { CanOptions } from '../../../src/transport/can/options.js';
import { CanTransport } from '../../../src/transport/can/can.js';
import { FrameStream } from '../../../src/transport/frame-stream.js';
import type { ByteChannel } from '../../../src/transport/transport.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeCan } from './fake-can.js';
import { Recorder } from '../recorder.js';

const OPTIONS: CanOptions = {
  interface: 'can0',
  txId: 0x123,
  rxId: 0x124,
  extendedIds: false,
  fd: false,
  bitRateSwitch: false,
};

class Bench {
  readonly can = new FakeCan();
  readonly clock = new FakeClock();
  readonly buses = new CanBuses(this.can);

  transport(options: Partial<CanOptions> = {}): CanTransport {
    return new CanTransport({ ...OPTIONS, ...options }, this.clock, this.buses);
  }

  async open(
    options: Partial<CanOptions> = {},
  ): Promise<{ channel: ByteChannel; heard: Recorder }> {
    const heard = new Recorder();
    const channel = await new FrameStream(this.transport(options)).open(heard);
    await new Promise((resolve) => setImmediate(resolve));
    return { channel, heard };
  }

  /** Data of the frames that have gone out, in hex. */
  sent(): string[] {
    return this.can.sent.splice(0).map(({ data }) => Buffer.from(data).toString('hex'));
  }
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at + 1);
const CONTROLLER = { index: 1, up: true, fd: false, frames: 0n, bytes: 0n, bitRate: 500_000 };
const ERROR_FRAME = { error: true } as const;
const BUS_OFF = 0x40;

describe('bytes over frames', () => {
  it('what is written is cut into full frames, in order, and never joined', async () => {
    const bench = new Bench();
    const { channel } = await bench.open();
    expect(channel.write(bytes(19))).toBe(true);
    expect(channel.write(bytes(2))).toBe(true);
    expect(bench.can.sent.every(({ id, extended, fd }) => id === 0x123 && !extended && !fd)).toBe(
      true,
    );
    expect(bench.sent()).toEqual(['0102030405060708', '090a0b0c0d0e0f10', '111213', '0102']);
  });

  it('frames of CAN FD have the lengths that there are, filled with 00', async () => {
    const bench = new Bench();
    bench.can.info = { ...CONTROLLER, fd: true };
    const { channel } = await bench.open({ fd: true, bitRateSwitch: true });
    channel.write(bytes(64 + 9));
    channel.write(bytes(8));
    expect(bench.can.sent.every(({ fd, bitRateSwitch }) => fd && bitRateSwitch)).toBe(true);
    expect(bench.can.sent.map(({ data }) => data.length)).toEqual([64, 12, 8]);
    expect(bench.sent()[1]?.endsWith('49000000')).toBe(true);
  });

  it('each frame that comes is a chunk', async () => {
    const bench = new Bench();
    const { heard } = await bench.open();
    bench.can.hear(0x124, [1, 2]);
    bench.can.hear(0x124, []);
    bench.can.hear(0x124, [3]);
    expect(heard.received).toEqual(Buffer.of(1, 2, 3));
  });

  it('identifiers above 7ff have 29 bits; smaller ones where this is configured', async () => {
    const bench = new Bench();
    const { channel } = await bench.open({ txId: 0x800, rxId: 5, extendedIds: true });
    expect(bench.can.filters).toEqual([{ id: 5, mask: 0x1fff_ffff, extended: true }]);
    channel.write(bytes(1));
    expect(bench.can.sent[0]).toMatchObject({ id: 0x800, extended: true });
    expect(bench.transport({ txId: 0x800 }).description).toBe('can can0 tx 00000800 rx 124');
  });

  it('a frame of CAN FD on a classic link is counted, and goes no further', async () => {
    const bench = new Bench();
    const { heard } = await bench.open();
    bench.can.hear(0x124, Array.from(bytes(12)), { fd: true });
    expect(heard.discards).toEqual(['canFrame']);
    expect(heard.bytes).toBe(0);
  });
});

describe('frames of one device', () => {
  it('come and go whole, each with its data alone', async () => {
    const bench = new Bench();
    const heard: number[][] = [];
    const channel = await bench.transport().open({
      data: ({ data }) => void heard.push([...data]),
      discarded: () => undefined,
      closed: () => undefined,
      warning: () => undefined,
      drained: () => undefined,
    });
    await new Promise((resolve) => setImmediate(resolve));
    bench.can.hear(0x124, [1, 2]);
    bench.can.hear(0x125, [9]);
    bench.can.hear(0x124, [3]);
    expect(heard).toEqual([[1, 2], [3]]);
    channel.pause();
    bench.can.hear(0x124, [4]);
    bench.can.hear(0x124, [5, 6]);
    channel.resume();
    expect(heard.slice(2)).toEqual([[4], [5, 6]]);
    expect([channel.write({ data: bytes(3) }), channel.write({ data: bytes(8) })]).toEqual([
      true,
      true,
    ]);
    expect(bench.sent()).toEqual(['010203', '0102030405060708']);
    expect([bench.transport().frameLength, bench.transport({ fd: true }).frameLength]).toEqual([
      8, 64,
    ]);
  });
});

describe('a paused link', () => {
  it('gets nothing while it is paused, then all in order, and the others are not delayed', async () => {
    const bench = new Bench();
    const { channel, heard } = await bench.open();
    const other = await bench.open({ rxId: 1, txId: 2 });
    channel.pause();
    for (let at = 0; at < 5; at += 1) {
      bench.can.hear(0x124, [at]);
      bench.can.hear(1, [at]);
    }
    expect([heard.bytes, other.heard.bytes]).toEqual([0, 5]);
    // Paused again from within.
    const data = heard.data.bind(heard);
    heard.data = (chunk) => {
      data(chunk);
      if (heard.bytes === 2) channel.pause();
    };
    channel.resume();
    expect([...heard.received]).toEqual([0, 1]);
    bench.can.hear(0x124, [5]);
    channel.resume();
    expect([...heard.received]).toEqual([0, 1, 2, 3, 4, 5]);
    bench.can.hear(0x124, [6]);
    expect(heard.bytes).toBe(7);
  });

  it('keeps a bounded number of frames; the rest is counted', async () => {
    const bench = new Bench();
    const { channel, heard } = await bench.open();
    channel.pause();
    for (let at = 0; at < 9000; at += 1) bench.can.hear(0x124, [1]);
    expect(heard.discards).toHaveLength(9000 - 8192);
    await channel.close();
    channel.resume();
    expect(heard.bytes).toBe(0);
  });
});

describe('many links on one interface', () => {
  it('share one socket, whose filter is all their identifiers; each hears its own', async () => {
    const bench = new Bench();
    const one = await bench.open({ rxId: 1, txId: 2 });
    const two = await bench.open({ rxId: 3, txId: 4 });
    const three = await bench.open({ rxId: 1, txId: 6, extendedIds: true });
    expect(bench.can.opened).toBe(1);
    expect(bench.can.filters).toEqual([
      { id: 1, mask: 0x7ff, extended: false },
      { id: 3, mask: 0x7ff, extended: false },
      { id: 1, mask: 0x1fff_ffff, extended: true },
    ]);
    bench.can.hear(1, [11]);
    bench.can.hear(3, [33]);
    bench.can.hear(1, [99], { extended: true });
    bench.can.hear(4, [44]);
    expect([one, two, three].map(({ heard }) => [...heard.received])).toEqual([[11], [33], [99]]);
    await two.channel.close();
    expect(two.heard.endings).toEqual([undefined]);
    expect(bench.can.filters).toHaveLength(2);
    bench.can.hear(3, [33]);
    expect(two.heard.bytes).toBe(1);
    expect(bench.can.closed).toBe(0);
    await one.channel.close();
    await three.channel.close();
    expect(bench.can.closed).toBe(1);
  });

  it('a reader that wants several hears them beside those that want one', async () => {
    const bench = new Bench();
    const { heard } = await bench.open({ rxId: 0x101 });
    const several: number[] = [];
    const subscriber = {
      ids: [0x100, 0x101, 0x101].map((id) => ({ id, extended: false })),
      fd: false,
      frame: ({ id }: { id: number }) => void several.push(id),
      sent: () => undefined,
      closed: () => undefined,
      drained: () => undefined,
    };
    bench.buses.subscribe('can0', subscriber, bench.clock);
    for (const id of [0x100, 0x101, 0x200]) bench.can.hear(id, [1]);
    bench.can.hear(0x100, [1], { extended: true });
    expect(several).toEqual([0x100, 0x101]);
    expect(heard.bytes).toBe(1);
  });

  it('take turns while the interface has little room', async () => {
    const bench = new Bench();
    const one = await bench.open({ rxId: 1, txId: 0x10 });
    const two = await bench.open({ rxId: 2, txId: 0x20 });
    bench.can.outcomes = ['full'];
    expect(one.channel.write(bytes(24))).toBe(false);
    expect(two.channel.write(bytes(16))).toBe(false);
    expect([one.channel.queued, two.channel.queued]).toEqual([24, 16]);
    bench.can.outcomes = ['sent', 'sent', 'sent', 'full'];
    bench.clock.advance(1);
    expect(bench.can.sent.map(({ id }) => id)).toEqual([0x10, 0x20, 0x10]);
    expect([one.heard.drains, two.heard.drains]).toEqual([0, 0]);
    bench.clock.advance(20);
    expect(bench.can.sent.map(({ id }) => id)).toEqual([0x10, 0x20, 0x10, 0x20, 0x10]);
    expect([one.heard.drains, two.heard.drains]).toEqual([1, 1]);
    expect([one.channel.queued, two.channel.queued]).toEqual([0, 0]);
  });
});

describe('sending', () => {
  it('what waits goes out first, unchanged, also when its buffer is used for something else', async () => {
    const bench = new Bench();
    const { channel } = await bench.open();
    bench.can.outcomes = ['full', 'full'];
    const lent = bytes(2);
    channel.write(lent);
    lent.fill(0xee);
    channel.write(Uint8Array.of(9));
    bench.clock.advance(50);
    expect(bench.sent()).toEqual(['0102', '09']);
  });

  it('tries less often when nothing goes out', async () => {
    const bench = new Bench();
    const { channel } = await bench.open();
    bench.can.outcomes = new Array<'full'>(1000).fill('full');
    channel.write(bytes(1));
    bench.clock.advance(1000);
    expect(1000 - bench.can.outcomes.length).toBeLessThan(80);
  });

  it('is not faster for a long packet than others can read it', async () => {
    const bench = new Bench();
    const { channel } = await bench.open();
    expect(channel.write(new Uint8Array(8 * 200))).toBe(false);
    expect(bench.can.sent).toHaveLength(64);
    bench.clock.advance(4);
    expect(bench.can.sent).toHaveLength(200);
  });
});

describe('opening', () => {
  it('is done when frames are read; those that came before are not lost, and come afterwards', async () => {
    const bench = new Bench();
    let begin = (): void => undefined;
    bench.can.ready = new Promise((resolve) => {
      begin = resolve;
    });
    const opening = bench.open();
    bench.can.hear(0x124, [1]);
    begin();
    const { heard } = await opening;
    expect([...heard.received]).toEqual([1]);
  });

  it('fails when the interface goes meanwhile, and says nothing else', async () => {
    const bench = new Bench();
    let begin = (): void => undefined;
    bench.can.ready = new Promise((resolve) => {
      begin = resolve;
    });
    const heard = new Recorder();
    const opening = new FrameStream(bench.transport()).open(heard);
    bench.can.info = undefined;
    bench.can.events?.ended('gone', '');
    begin();
    await expect(opening).rejects.toMatchObject({ reason: 'notFound' });
    expect(heard.endings).toEqual([]);
  });
});

describe('the life of an interface', () => {
  it.each([
    ['missing', undefined, 'notFound', 'there is no CAN interface can0'],
    [
      'down',
      { ...CONTROLLER, up: false, state: 'stopped' },
      'down',
      'sudo ip link set can0 up type can bitrate 500000',
    ],
    ['down and virtual', { ...CONTROLLER, up: false }, 'down', 'sudo ip link set can0 up'],
    ['bus-off', { ...CONTROLLER, state: 'bus-off' }, 'busOff', 'type can restart'],
  ] as const)('%s: it cannot be opened, and says what to do', async (_, info, reason, message) => {
    const bench = new Bench();
    bench.can.info = info;
    await expect(bench.open()).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(message) as string,
    });
    expect(bench.can.opened).toBe(0);
  });

  it('one that takes no CAN FD is no use to a link that wants it', async () => {
    const bench = new Bench();
    await expect(bench.open({ fd: true })).rejects.toMatchObject({ reason: 'unsupportedSetting' });
  });

  it.each([
    ['down', 'down'],
    ['gone', 'notFound'],
    ['io', 'io'],
  ] as const)('%s: every link gets this once, and the socket is closed', async (end, reason) => {
    const bench = new Bench();
    const links = [await bench.open({ rxId: 1, txId: 2 }), await bench.open({ rxId: 3, txId: 4 })];
    bench.can.info = end === 'gone' ? undefined : { ...CONTROLLER, up: false };
    bench.can.events?.ended(end, '');
    for (const { channel, heard } of links) {
      expect(heard.endings.map((cause) => cause?.reason)).toEqual([reason]);
      expect(channel.write(bytes(1))).toBe(false);
      await channel.close();
      expect(heard.endings).toHaveLength(1);
    }
    expect(bench.can.closed).toBe(1);
    bench.can.info = CONTROLLER;
    const again = await bench.open();
    expect(bench.can.opened).toBe(2);
    bench.can.hear(0x124, [7]);
    expect(again.heard.bytes).toBe(1);
  });

  it('bus-off ends it, and is counted; an error frame of another kind does not end it', async () => {
    const bench = new Bench();
    const { heard } = await bench.open();
    bench.can.hear(0x100, [], ERROR_FRAME);
    expect(heard.endings).toEqual([]);
    bench.can.hear(BUS_OFF, [], ERROR_FRAME);
    expect(heard.endings.map((cause) => cause?.reason)).toEqual(['busOff']);
    expect(bench.transport().bus().busOffs).toBe(1);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it.each([
    ['down', /was down for a moment/],
    ['gone', /was down for a moment/],
    ['io', /cannot be used: a frame was refused/],
  ] as const)('ends with sending that fails as %s, for all, once', async (end, why) => {
    const bench = new Bench();
    const { channel, heard } = await bench.open();
    const other = await bench.open({ rxId: 1, txId: 2 });
    bench.can.outcomes = [end, end];
    expect(channel.write(bytes(1))).toBe(false);
    // The kernel says so once, here or to the thread that reads.
    bench.clock.advance(1);
    expect(heard.endings).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    for (const { endings } of [heard, other.heard]) {
      expect(endings).toHaveLength(1);
      expect(endings[0]?.message).toMatch(why);
    }
    expect([bench.can.closed, bench.clock.pendingTimers]).toEqual([1, 0]);
  });

  it('what waits when it ends is forgotten', async () => {
    const bench = new Bench();
    const { channel } = await bench.open();
    bench.can.outcomes = ['full'];
    channel.write(bytes(1));
    bench.can.events?.ended('down', '');
    expect(bench.clock.pendingTimers).toBe(0);
    await bench.open();
    bench.clock.advance(100);
    expect(bench.sent()).toEqual([]);
  });
});

describe('what is known of the bus', () => {
  it('its state and error counters, as the kernel has them', () => {
    const bench = new Bench();
    const bus = () => bench.transport().bus();
    bench.can.info = { ...CONTROLLER, state: 'error-passive', errors: { tx: 128, rx: 1 } };
    expect(bus()).toEqual({
      state: 'error-passive',
      errors: { tx: 128, rx: 1 },
      lost: 0,
      busOffs: 0,
    });
    bench.can.info = undefined;
    expect(bus().state).toBe('error-passive');
    bench.clock.advance(1000);
    expect(bus().state).toBe('missing');
    bench.can.info = { ...CONTROLLER, up: false };
    bench.clock.advance(1000);
    expect(bus().state).toBe('down');
  });

  it('its state is the present one when it is opened again', async () => {
    const bench = new Bench();
    await bench.open();
    bench.can.info = { ...CONTROLLER, up: false };
    bench.can.events?.ended('down', '');
    expect(bench.transport().bus().state).toBe('down');
    bench.can.info = CONTROLLER;
    bench.clock.advance(100);
    await bench.open();
    expect(bench.transport().bus().state).toBe('up');
  });

  it('its load, from the frames and bytes of both directions', () => {
    const bench = new Bench();
    bench.can.info = CONTROLLER;
    expect(bench.transport().bus().load).toBeUndefined();
    // 2,000 frames of 8 bytes: some 120 bits each, in two seconds.
    bench.can.info = { ...CONTROLLER, frames: 2000n, bytes: 16_000n };
    bench.clock.advance(2000);
    expect(bench.transport().bus().load).toBeCloseTo(24, 0);
    // Its counters begin anew when its driver does: then nobody knows what there was in between.
    bench.can.info = { ...CONTROLLER, frames: 1999n, bytes: 20_000n };
    bench.clock.advance(2000);
    expect(bench.transport().bus().load).toBeUndefined();
    bench.can.info = { ...CONTROLLER, frames: 3999n, bytes: 36_000n };
    bench.clock.advance(2000);
    expect(bench.transport().bus().load).toBeCloseTo(24, 0);
    // Another interface of this name.
    bench.can.info = { ...CONTROLLER, index: 2, frames: 5999n, bytes: 52_000n };
    bench.clock.advance(2000);
    expect(bench.transport().bus().load).toBeUndefined();
  });

  it('no load of a bus whose bit rate nobody knows', () => {
    const bench = new Bench();
    const { bitRate, ...virtual } = CONTROLLER;
    for (const frames of [0n, 2000n]) {
      bench.can.info = { ...virtual, frames, bytes: frames * 8n };
      expect(bench.transport().bus()).toEqual({ state: 'up', lost: 0, busOffs: 0 });
      bench.clock.advance(2000);
    }
    // It was set up with one meanwhile.
    bench.can.info = { ...virtual, bitRate, frames: 2000n, bytes: 16_000n };
    expect(bench.transport().bus().load).toBe(0);
  });

  it('its load, by the formats of the frames that are ours, those that are sent and received', async () => {
    const bench = new Bench();
    const rates = { bitRate: 500_000, dataBitRate: 2_000_000, fd: true };
    bench.can.info = { ...CONTROLLER, ...rates };
    const { channel } = await bench.open({ fd: true, bitRateSwitch: true });
    const load = (frames: bigint, length: bigint): number | undefined => {
      bench.can.info = { ...CONTROLLER, ...rates, frames: 0n };
      bench.clock.advance(1000);
      bench.transport().bus();
      bench.can.info = { ...CONTROLLER, ...rates, frames, bytes: frames * length };
      bench.clock.advance(1000);
      return bench.transport().bus().load;
    };
    const idle = load(1000n, 64n);
    // 30 bits at 500 kbit/s, and 549 at 2 Mbit/s: less than half of what classic ones would take.
    channel.write(bytes(64));
    expect(load(1000n, 64n)).toBeCloseTo(36, 0);
    expect(idle).toBe(100);
    // What has come lately says what is usual; with no news it stays.
    expect(load(1000n, 64n)).toBeCloseTo(36, 0);
    bench.can.hear(0x124, [1, 2, 3, 4, 5, 6, 7, 8], { extended: true });
    expect(load(1000n, 8n)).toBeCloseTo((1000 * (13 + 54 * 1.1 + 70.4)) / 5000, 0);
  });

  it('frames that found no room are counted over all its sockets', async () => {
    const bench = new Bench();
    bench.can.lost = 3;
    const { channel } = await bench.open();
    expect(bench.transport().bus().lost).toBe(3);
    await channel.close();
    await bench.open();
    expect(bench.transport().bus().lost).toBe(6);
  });
});
