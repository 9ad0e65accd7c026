import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAMINGS, IsoTpTransport } from '../../../src/framing/framings.js';
import type { Frame } from '../../../src/transport/frame.js';
import type { ChannelEvents, FrameChannel, TransportOf } from '../../../src/transport/transport.js';
import { TransportError } from '../../../src/transport/transport.js';
import { fromHex, toHex } from '../../firmware-sim/vectors.js';
import { FakeClock } from '../../support/fake-clock.js';
import { CLASSIC } from '../../support/isotp-bus.js';

const framing = FRAMINGS.isotp;

/** What came up, each packet by itself. */
class Packets implements ChannelEvents<Frame> {
  readonly packets: string[] = [];
  readonly discards: string[] = [];
  readonly endings: (TransportError | undefined)[] = [];
  drains = 0;
  readonly #deframer = framing.createDeframer(
    {
      frame: (bytes) => void this.packets.push(toHex(bytes)),
      discard: (cause) => void this.packets.push(cause),
    },
    100,
  );
  data(frame: Frame): void {
    this.#deframer.push(frame);
  }
  discarded(cause: string): void {
    this.discards.push(cause);
  }
  closed(cause: TransportError | undefined): void {
    this.endings.push(cause);
  }
  warning(message: string): void {
    throw new Error(message);
  }
  drained(): void {
    this.drains += 1;
  }
}

/** A CAN channel below, as a test sees it. */
async function opened() {
  const clock = new FakeClock();
  const discards: string[] = [];
  const calls: string[] = [];
  let below: ChannelEvents<Frame> | undefined;
  let takes = true;
  const channel: FrameChannel = {
    write: ({ data }) => {
      calls.push(toHex(data));
      return takes;
    },
    queued: 0,
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    close: () => Promise.resolve(void calls.push('close')),
  };
  const inner: TransportOf<Frame> = {
    description: 'can can0',
    open: (events) => {
      below = events;
      return Promise.resolve(channel);
    },
  };
  const transport = new IsoTpTransport(inner, CLASSIC, {
    clock,
    maxFrameLength: 100,
    frame: () => undefined,
    discard: (cause) => void discards.push(cause),
  });
  const heard = new Packets();
  const top = await transport.open(heard);
  if (below === undefined) throw new Error('not opened');
  const hear = (hex: string): void => below?.data({ data: fromHex(hex.replaceAll(' ', '')) });
  return {
    clock,
    discards,
    calls,
    heard,
    top,
    transport,
    hear,
    below,
    takes: (now: boolean) => {
      takes = now;
    },
  };
}

describe('packets of ISO-TP under a session', () => {
  it('are delivered whole, one by one', async () => {
    const { heard, hear, calls } = await opened();
    hear('03 01 02 03');
    hear('10 08 01 02 03 04 05 06');
    hear('21 07 08');
    expect(calls).toEqual(['300000']);
    expect(heard.packets).toEqual(['010203', '0102030405060708']);
  });

  it('are delivered unchanged, whatever they contain', async () => {
    const { heard, hear } = await opened();
    const packets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 7 }), { maxLength: 20 });
    fc.assert(
      fc.property(packets, (given) => {
        heard.packets.length = 0;
        for (const packet of given) hear(`0${packet.length}${toHex(packet)}`);
        expect(heard.packets).toEqual(given.map((packet) => toHex(packet)));
      }),
    );
  });

  it('are sent as they are, cut into frames', async () => {
    const { top, calls } = await opened();
    const packet = fromHex('0102');
    expect(framing.encode(packet)).toBe(packet);
    expect(top.write(framing.unitOf(packet))).toBe(true);
    expect(calls).toEqual(['020102']);
  });

  it('tell the session when many of them wait, and when no longer', async () => {
    const { top, hear, heard } = await opened();
    const long = new Uint8Array(20);
    expect([1, 2, 3].map((tag) => top.write({ data: long.map(() => tag) }))).toEqual([
      true,
      true,
      false,
    ]);
    expect(top.queued).toBe(60);
    hear('30 00 00');
    expect(heard.drains).toBe(1);
  });

  it('go on when the interface has room again', async () => {
    const { top, calls, below, takes } = await opened();
    takes(false);
    top.write({ data: new Uint8Array(20) });
    takes(true);
    below.drained();
    below.data({ data: fromHex('300000') });
    expect(calls).toHaveLength(3);
  });

  it('that are discarded are counted, below and here', async () => {
    const { hear, discards, below, heard } = await opened();
    hear('77 00');
    below.discarded('canFrame', {});
    expect(discards).toEqual(['isoTpFrame']);
    expect(heard.discards).toEqual(['canFrame']);
  });

  it('that are longer than maxFrameLength are refused', async () => {
    const { hear, discards, calls } = await opened();
    hear('10 65 01 02 03 04 05 06');
    expect([discards, calls]).toEqual([['oversize'], ['320000']]);
  });

  it.each(['closed by us', 'gone'])('%s: no timer is left, and nothing is written', async (how) => {
    const { top, below, clock, calls, heard, hear, transport } = await opened();
    top.write({ data: new Uint8Array(20) });
    hear('10 08 01 02 03 04 05 06');
    if (how === 'gone') below.closed(new TransportError('down', 'can0 is down'));
    else await top.close();
    expect(clock.pendingTimers).toBe(0);
    calls.length = 0;
    hear('30 00 00');
    expect(calls).toEqual([]);
    if (how === 'gone') expect(heard.endings.map((cause) => cause?.reason)).toEqual(['down']);
    expect(transport.description).toBe('can can0 isotp');
  });

  it('pause the frames below when the link is paused', async () => {
    const { top, calls } = await opened();
    top.pause();
    top.resume();
    expect(calls).toEqual(['pause', 'resume']);
  });
});
