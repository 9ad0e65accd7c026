import { describe, expect, it } from 'vitest';
import { IsoTpTransport } from '../../src/framing/framings.js';
import { CanBuses } from '../../src/transport/can/bus.js';
import { CanTransport } from '../../src/transport/can/can.js';
import { FrameStream } from '../../src/transport/frame-stream.js';
import { Tap, type TapEvent } from '../../src/transport/tap.js';
import type { ChannelEvents, ChannelTap } from '../../src/transport/transport.js';
import { FAKE_START_NS, FakeClock } from '../support/fake-clock.js';
import { fromHex, toHex } from '../firmware-sim/vectors.js';
import { CLASSIC } from '../support/isotp-bus.js';
import { FakeCan } from './can/fake-can.js';

const CAN = {
  interface: 'can0',
  txId: 0x123,
  rxId: 0x124,
  extendedIds: false,
  fd: false,
  bitRateSwitch: false,
};

/** What an observer heard, as text. */
class Heard {
  readonly events: TapEvent[] = [];
  tapped(event: TapEvent): void {
    const { kind } = event;
    // The bytes are lent for the call.
    if (kind === 'bytes') this.events.push({ ...event, bytes: Uint8Array.from(event.bytes) });
    else if (kind === 'frame') {
      const { frame } = event;
      this.events.push({ ...event, frame: { ...frame, data: Uint8Array.from(frame.data) } });
    } else this.events.push(event);
  }
  get texts(): string[] {
    return this.events.splice(0).map((event) => {
      switch (event.kind) {
        case 'bytes':
          return `${event.direction} ${toHex(event.bytes)}`;
        case 'frame':
          return `${event.direction} ${event.frame.id.toString(16)}#${toHex(event.frame.data)}`;
        case 'opened':
          return `opened ${event.transport}`;
        case 'closed':
          return `closed ${event.reason}`;
        case 'discarded':
          return event.cause;
      }
    });
  }
}

const events = (tap: ChannelTap): ChannelEvents<unknown> => ({
  data: () => undefined,
  discarded: () => undefined,
  closed: () => undefined,
  warning: () => undefined,
  drained: () => undefined,
  tap,
});

/** Nobody observes: a call of it is an error. */
const UNOBSERVED: ChannelTap = {
  isObserved: false,
  bytes: () => expect.fail('bytes were told'),
  frame: () => expect.fail('a frame was told'),
};

describe('a tap', () => {
  it('tells each observer with both times, from its beginning to its end', () => {
    const clock = new FakeClock();
    const tap = new Tap(clock);
    const [one, two] = [new Heard(), new Heard()];
    expect(tap.isObserved).toBe(false);
    tap.opened('before');
    const end = tap.observe(one);
    tap.observe(two);
    clock.advance(5);
    tap.bytes('up', fromHex('0102'));
    end();
    end();
    expect(tap.isObserved).toBe(true);
    tap.closed('unplugged');
    expect(one.events).toEqual([
      {
        kind: 'bytes',
        direction: 'up',
        bytes: fromHex('0102'),
        monotonicMs: 5,
        wallNs: FAKE_START_NS + 5_000_000n,
      },
    ]);
    expect(two.texts).toEqual(['up 0102', 'closed unplugged']);
  });

  it('tells nothing, and reads no clock, while nobody observes', () => {
    const clock = new FakeClock();
    const tap = new Tap(clock);
    const end = tap.observe(new Heard());
    end();
    expect(tap.isObserved).toBe(false);
    clock.monotonicMs = () => expect.fail('the clock was read');
    tap.opened('a port');
    tap.closed('unplugged');
    tap.discarded('canFrame');
  });
});

describe('on a CAN bus', () => {
  async function opened(
    make: (transport: CanTransport) => FrameStream | CanTransport,
    tap: ChannelTap,
  ) {
    const [can, clock] = [new FakeCan(), new FakeClock()];
    const transport = make(new CanTransport(CAN, clock, new CanBuses(can)));
    const channel = await transport.open(events(tap));
    await new Promise((resolve) => setImmediate(resolve));
    return { can, clock, write: (hex: string) => channel.write(fromHex(hex) as never) };
  }

  it('frames of a stream of bytes have their identifiers; one is told when the kernel has taken it', async () => {
    const tap = new Tap(new FakeClock());
    const heard = new Heard();
    tap.observe(heard);
    const { can, clock, write } = await opened((transport) => new FrameStream(transport), tap);
    can.hear(0x124, [1, 2]);
    write('00112233445566778899');
    expect(heard.texts).toEqual(['up 124#0102', 'down 123#0011223344556677', 'down 123#8899']);
    can.outcomes = ['full'];
    write('aabb');
    expect(heard.texts).toEqual([]);
    clock.advance(1);
    expect(heard.texts).toEqual(['down 123#aabb']);
  });

  it('flow control of ISO-TP is there', async () => {
    const tap = new Tap(new FakeClock());
    const heard = new Heard();
    tap.observe(heard);
    const [can, clock] = [new FakeCan(), new FakeClock()];
    const frames = new CanTransport(CAN, clock, new CanBuses(can));
    const nothing = (): void => undefined;
    const parts = { clock, maxFrameLength: 100, frame: nothing, discard: nothing };
    await new IsoTpTransport(frames, CLASSIC, parts).open(events(tap));
    await new Promise((resolve) => setImmediate(resolve));
    can.hear(0x124, [0x10, 10, 1, 2, 3, 4, 5, 6]);
    can.hear(0x124, [0x21, 7, 8, 9, 10]);
    expect(heard.texts).toEqual([
      'up 124#100a010203040506',
      'down 123#300000',
      'up 124#210708090a',
    ]);
  });

  it('a frame that the link does not take is told as well', async () => {
    const tap = new Tap(new FakeClock());
    const heard = new Heard();
    tap.observe(heard);
    const { can } = await opened((transport) => new FrameStream(transport), tap);
    can.hear(0x124, [1, 2], { fd: true });
    expect(heard.events).toMatchObject([{ kind: 'frame', frame: { fd: true } }]);
  });

  it('nothing is told while nobody observes', async () => {
    const { can, write } = await opened((transport) => new FrameStream(transport), UNOBSERVED);
    can.hear(0x124, [1, 2]);
    write('0102');
    expect(can.sent).toHaveLength(1);
  });
});
