import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFraming } from '../../../src/framing/framings.js';
import type { Channel, ChannelEvents, Transport } from '../../../src/transport/transport.js';
import { TransportError } from '../../../src/transport/transport.js';
import { fromHex, toHex } from '../../firmware-sim/vectors.js';
import { FakeClock } from '../../support/fake-clock.js';
import { CLASSIC } from '../../support/isotp-bus.js';
import { Recorder } from '../../transport/recorder.js';

const framing = createFraming({ framing: 'isotp', isotp: CLASSIC });

/** A CAN channel below, as a test sees it. */
async function opened() {
  const clock = new FakeClock();
  const discards: string[] = [];
  const calls: string[] = [];
  let below: ChannelEvents | undefined;
  let takes = true;
  const channel: Channel = {
    write: (frame) => {
      calls.push(toHex(frame));
      return takes;
    },
    queued: 0,
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    close: () => Promise.resolve(void calls.push('close')),
  };
  const inner: Transport = {
    description: 'can can0',
    open: (events) => {
      below = events;
      return Promise.resolve(channel);
    },
  };
  const parts = {
    clock,
    maxFrameLength: 100,
    discard: (cause: string) => void discards.push(cause),
  };
  const transport = framing.over?.(inner, parts);
  if (transport === undefined) throw new Error('ISO-TP talks by itself');
  const heard = new Recorder();
  const top = await transport.open(heard);
  if (below === undefined) throw new Error('not opened');
  const hear = (hex: string): void => below?.data(fromHex(hex.replaceAll(' ', '')));
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

/** What a session makes of bytes from below, in any chunks. */
function packetsOf(chunks: Iterable<Uint8Array>): string[] {
  const packets: string[] = [];
  const deframer = framing.createDeframer(
    {
      frame: (bytes) => void packets.push(toHex(bytes)),
      discard: (cause) => void packets.push(cause),
    },
    100,
  );
  for (const chunk of chunks) deframer.push(chunk);
  return packets;
}

describe('packets of ISO-TP under a session', () => {
  it('come up whole, whatever chunks their bytes are handed on in', async () => {
    const { heard, hear, calls } = await opened();
    hear('03 01 02 03');
    hear('10 08 01 02 03 04 05 06');
    hear('21 07 08');
    expect(calls).toEqual(['300000']);
    const expected = ['010203', '0102030405060708'];
    const all = heard.received;
    expect(packetsOf([all])).toEqual(expected);
    expect(packetsOf([...all].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
    for (let at = 0; at <= all.length; at += 1) {
      expect(packetsOf([all.subarray(0, at), all.subarray(at)])).toEqual(expected);
    }
  });

  it('any packets in any chunks', async () => {
    const { heard, hear } = await opened();
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 });
    const packets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 7 }), { maxLength: 20 });
    fc.assert(
      fc.property(packets, sizes, (given, cuts) => {
        const from = heard.received.length;
        for (const packet of given) hear(`0${packet.length}${toHex(packet)}`);
        const bytes = heard.received.subarray(from);
        let at = 0;
        const chunks = [...cuts, bytes.length].map((size) => bytes.subarray(at, (at += size)));
        expect(packetsOf(chunks)).toEqual(given.map((packet) => toHex(packet)));
      }),
    );
  });

  it('a part of one is forgotten with reset()', () => {
    const packets: string[] = [];
    const deframer = framing.createDeframer(
      { frame: (bytes) => void packets.push(toHex(bytes)), discard: () => undefined },
      100,
    );
    deframer.push(Uint8Array.of(9, 0, 0, 0, 1, 2));
    deframer.reset();
    deframer.push(Uint8Array.of(1, 0, 0, 0, 7));
    expect(packets).toEqual(['07']);
  });

  it('go down as they are, cut into frames', async () => {
    const { top, calls } = await opened();
    const packet = fromHex('0102');
    expect(framing.encode(packet)).toBe(packet);
    expect(top.write(packet)).toBe(true);
    expect(calls).toEqual(['020102']);
  });

  it('while many wait the session is told, and when they do not any more', async () => {
    const { top, hear, heard } = await opened();
    const long = new Uint8Array(20);
    expect([1, 2, 3].map((tag) => top.write(long.map(() => tag)))).toEqual([true, true, false]);
    expect(top.queued).toBe(60);
    hear('30 00 00');
    expect(heard.drains).toBe(1);
  });

  it('goes on when the interface has room again', async () => {
    const { top, calls, below, takes } = await opened();
    takes(false);
    top.write(new Uint8Array(20));
    takes(true);
    below.drained();
    below.data(fromHex('300000'));
    expect(calls).toHaveLength(3);
  });

  it('what is thrown away is counted, below and here', async () => {
    const { hear, discards, below, heard } = await opened();
    hear('77 00');
    below.discarded('canFrame', {});
    expect(discards).toEqual(['isoTpFrame']);
    expect(heard.discards).toEqual(['canFrame']);
  });

  it('a packet above maxFrameLength is refused', async () => {
    const { hear, discards, calls } = await opened();
    hear('10 65 01 02 03 04 05 06');
    expect([discards, calls]).toEqual([['oversize'], ['320000']]);
  });

  it.each(['closed by us', 'gone'])('%s: no timer is left, and nothing is written', async (how) => {
    const { top, below, clock, calls, heard, hear, transport } = await opened();
    top.write(new Uint8Array(20));
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

  it('a link that has to wait stops the frames below', async () => {
    const { top, calls } = await opened();
    top.pause();
    top.resume();
    expect(calls).toEqual(['pause', 'resume']);
  });
});
