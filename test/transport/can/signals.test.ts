import { describe, expect, it } from 'vitest';
import { CanBuses } from '../../../src/transport/can/bus.js';
import type { CanFrame } from '../../../src/transport/frame.js';
import { CanSignalsTransport, type CanSignalsOptions } from '../../../src/transport/can/signals.js';
import type {
  ChannelDiscard,
  ChannelEvents,
  TransportError,
} from '../../../src/transport/transport.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeCan } from './fake-can.js';

class Frames implements ChannelEvents<CanFrame> {
  readonly frames: CanFrame[] = [];
  readonly discards: ChannelDiscard[] = [];
  readonly endings: (TransportError | undefined)[] = [];
  data(frame: CanFrame): void {
    this.frames.push({ ...frame, data: Uint8Array.from(frame.data) });
  }
  discarded(cause: ChannelDiscard): void {
    this.discards.push(cause);
  }
  closed(cause: TransportError | undefined): void {
    this.endings.push(cause);
  }
  warning(message: string): void {
    throw new Error(message);
  }
  drained(): void {
    throw new Error('nothing was full');
  }
}

async function open(ids: CanSignalsOptions['ids'], can = new FakeCan()) {
  const transport = new CanSignalsTransport(
    { interface: 'can0', fd: false, ids },
    new FakeClock(),
    new CanBuses(can),
  );
  const heard = new Frames();
  const channel = await transport.open(heard);
  await new Promise((resolve) => setImmediate(resolve));
  return { can, transport, heard, channel };
}

const FRAME: CanFrame = {
  id: 0x1abcdef0,
  extended: true,
  data: Uint8Array.of(1, 2, 3),
  fd: false,
  bitRateSwitch: false,
  remote: false,
  error: false,
};
const IDS = [
  { id: 0x123, extended: false },
  { id: 0x123, extended: true },
];

describe('frames of a bus', () => {
  it('come whole, those of the database', async () => {
    const { can, heard, transport } = await open(IDS);
    can.hear(0x123, [1, 2]);
    can.hear(0x124, [3]);
    can.hear(0x123, [], { extended: true });
    expect(heard.frames.map(({ id, extended, data }) => [id, extended, [...data]])).toEqual([
      [0x123, false, [1, 2]],
      [0x123, true, []],
    ]);
    expect(can.filters).toEqual([
      { id: 0x123, mask: 0x7ff, extended: false },
      { id: 0x123, mask: 0x1fffffff, extended: true },
    ]);
    expect(transport.description).toBe('can can0 signals');
  });

  it('are few others where the kernel has no room for so many filters, and none of those come', async () => {
    const ids = Array.from({ length: 700 }, (_, at) => ({ id: at * 2, extended: false }));
    const { can, heard } = await open(ids);
    expect(can.filters.length).toBeLessThanOrEqual(512);
    can.hear(1, [1]);
    can.hear(2, [1], { extended: true });
    expect(heard.frames).toEqual([]);
    can.hear(1398, [1]);
    expect(heard.frames).toHaveLength(1);
  });

  it('go out as they are', async () => {
    const { can, channel } = await open(IDS);
    expect(channel.write(FRAME)).toBe(true);
    expect(can.sent).toEqual([FRAME]);
  });

  it('wait while the link has to, and keep their order', async () => {
    const { can, channel, heard } = await open(IDS);
    channel.pause();
    for (const byte of [1, 2, 3]) can.hear(0x123, [byte]);
    expect(heard.frames).toEqual([]);
    channel.resume();
    can.hear(0x123, [4]);
    expect(heard.frames.map(({ data }) => data[0])).toEqual([1, 2, 3, 4]);
  });

  it('are counted when more wait than there is room for', async () => {
    const { can, channel, heard } = await open(IDS);
    channel.pause();
    for (let i = 0; i < 8193; i++) can.hear(0x123, [0]);
    expect(heard.discards).toEqual(['canOverrun']);
  });

  it('that come while the channel is being opened are delivered once it is open', async () => {
    const can = new FakeCan();
    let ready = (): void => undefined;
    can.ready = new Promise((resolve) => (ready = resolve));
    let isOpen = false;
    const opening = open(IDS, can).then((opened) => {
      isOpen = true;
      return opened;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([can.opened, isOpen]).toEqual([1, false]);
    can.hear(0x123, [1]);
    ready();
    const { heard } = await opening;
    expect(heard.frames.map(({ data }) => [...data])).toEqual([[1]]);
  });

  it('cannot be read where the channel ends before it is open, which fails with its reason', async () => {
    const can = new FakeCan();
    const opening = open(IDS, can);
    can.events?.ended('down', '');
    await expect(opening).rejects.toThrow(/down/);
  });

  it('end with the channel, once', async () => {
    const { can, channel, heard } = await open(IDS);
    channel.pause();
    can.hear(0x123, [1]);
    await channel.close();
    channel.resume();
    expect([heard.frames, heard.endings, can.closed]).toEqual([[], [undefined], 1]);
    expect(channel.write(FRAME)).toBe(false);
  });
});
