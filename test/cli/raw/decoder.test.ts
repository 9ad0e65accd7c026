import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RawDecoder } from '../../../src/cli/raw/decoder.js';
import type { TrafficEvent } from '../../../src/gateway/control/verbs/raw-message.js';
import type { CrossedItem, Decoded } from '../../../src/cli/raw/decoded.js';
import { jsonLine } from '../../../src/cli/raw/json.js';
import { textLines } from '../../../src/cli/raw/text.js';
import type { LinkFormat } from '../../../src/gateway/link/format.js';
import type { TapDirection } from '../../../src/transport/transport.js';
import {
  encodeFrame,
  encodePacket,
  POINT_CODECS,
  type Protocol,
} from '../../../firmware-sim/index.js';
import { FAKE_START_NS } from '../../support/fake-clock.js';
import { CLASSIC } from '../../support/isotp-bus.js';
import { fromHex, loadVectors } from '../../firmware-sim/vectors.js';

const COBS: LinkFormat = { kind: 'cobs', protocol: 'auto', maxFrameLength: 1024 };
const ISO_TP: LinkFormat = {
  kind: 'isotp',
  protocol: 'auto',
  maxFrameLength: 1024,
  isotp: CLASSIC,
  canFd: false,
};
const FIRST_MS = 5_000;

/** A decoder, and the time at the gateway. */
class Bench {
  readonly found: Decoded[] = [];
  readonly decoder: RawDecoder;
  #ms = FIRST_MS;
  #eventMs = FIRST_MS;

  constructor(format: LinkFormat = COBS) {
    this.decoder = new RawDecoder(format, (decoded) => void this.found.push(decoded));
  }

  get time() {
    const wallNs = FAKE_START_NS + BigInt(Math.round((this.#ms - FIRST_MS) * 1e6));
    return { monotonicMs: this.#ms, wallNs };
  }

  after(ms: number): this {
    this.#ms += ms;
    return this;
  }

  up(bytes: Uint8Array | string): this {
    return this.bytes('up', typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  down(bytes: Uint8Array): this {
    return this.bytes('down', bytes);
  }

  bytes(direction: TapDirection, bytes: Uint8Array): this {
    const lent = Uint8Array.from(bytes);
    this.tell({ kind: 'bytes', direction, bytes: lent, ...this.time });
    lent.fill(0xee);
    return this;
  }

  frame(direction: TapDirection, id: number, hex: string, more: { fd?: boolean } = {}): this {
    const rest = {
      extended: id > 0x7ff,
      fd: false,
      bitRateSwitch: false,
      remote: false,
      error: false,
    };
    const frame = { id, data: fromHex(hex), ...rest, ...more };
    return this.tell({ kind: 'frame', direction, frame, ...this.time });
  }

  tell(event: TrafficEvent): this {
    this.decoder.event(event);
    this.#eventMs = this.#ms;
    return this;
  }

  opened(): this {
    return this.tell({ kind: 'opened', transport: 'a port', ...this.time });
  }

  idle(): this {
    return this.after(1_000).tick();
  }

  /** Time has passed since the last event, as far as {@link after} says. */
  tick(): this {
    this.decoder.idle(this.#ms - this.#eventMs);
    return this;
  }

  /** Time passes in ticks of 100 ms, as `watch` looks. */
  ticks(count: number): this {
    for (let n = 0; n < count; n += 1) this.after(100).tick();
    return this;
  }

  /** What was found since the last call, without times and hex. */
  lines(): string[] {
    return this.found
      .splice(0)
      .flatMap((one) => textLines(one, false).map((line) => line.slice(13)));
  }
}

const packet = (
  sequence: number,
  subject: string,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array => encodeFrame(encodePacket({ sequence, subject, payload }));

/** A list with one point, as the simulated firmware makes it. */
const temperature = (value: number, protocol: Protocol = 'compact'): Uint8Array =>
  POINT_CODECS[protocol].encode([
    { type: 'temp', key: '', time: 0n, value, tombstone: 0, origin: '' },
  ]);

const points = (sequence: number, value: number, subject = '', protocol?: Protocol): Uint8Array =>
  packet(sequence, subject, temperature(value, protocol));

/** With a byte of the packet changed, so that its CRC is wrong. */
function damaged(sequence: number): Uint8Array {
  const bytes = Uint8Array.from(encodePacket({ sequence, subject: 'x', payload: fromHex('0102') }));
  bytes[18] = 0x77;
  return encodeFrame(bytes);
}

describe('packets in COBS', () => {
  it('each worked packet is read whole, and its points are those of the vectors', () => {
    const vectors = loadVectors().filter(({ kind }) => kind === 'serial-packet');
    expect(vectors.length).toBeGreaterThan(10);
    for (const { name, frame_hex = '', decoded } of vectors) {
      const bench = new Bench();
      bench.up(fromHex(frame_hex));
      const [found, ...others] = bench.found;
      expect(others, name).toEqual([]);
      if (found?.kind !== 'packet') throw new Error(`${name}: ${JSON.stringify(found, big)}`);
      expect([found.packet.sequence, found.packet.subject], name).toEqual([
        decoded.seq,
        decoded.subject,
      ]);
      expect(found.bytes).toEqual(fromHex(frame_hex));
      const types = (found.packet.points ?? []).map(({ type }) => type);
      expect(types, name).toEqual((decoded.points ?? []).map(({ type }) => type));
    }
  });

  it('an ack has the round trip of the packet that it acknowledges, in both directions', () => {
    const bench = new Bench().opened();
    bench.up(points(12, 23.5)).after(1.8).down(packet(12, 'ack'));
    bench
      .after(100)
      .down(points(7, 21, 'proto'))
      .after(8)
      .up(packet(7, 'ack'));
    expect(bench.lines()).toEqual([
      '-- port opened: a port',
      '▲ points   seq 12  59 B  temp = 23.5',
      '▼ ack      seq 12  22 B  1.8 ms after the packet',
      '▼ points   seq 7   59 B  subject "proto"  temp = 21',
      '▲ ack      seq 7   22 B  8 ms after the packet',
    ]);
  });

  it('retransmissions are marked, and the ack tells how long after which it came', () => {
    const bench = new Bench().opened();
    bench
      .down(points(7, 21, 'proto'))
      .after(1000)
      .down(points(7, 21, 'proto'));
    bench.after(12).up(packet(7, 'ack')).after(1).up(packet(7, 'ack')).up(packet(9, 'ack'));
    expect(bench.lines().slice(1)).toEqual([
      '▼ points   seq 7   59 B  subject "proto"  temp = 21',
      '▼ points   seq 7   59 B  subject "proto"  temp = 21  (transmission 2, 1000 ms after the first)',
      '▲ ack      seq 7   22 B  12 ms after transmission 2, 1012 ms after the first',
      '▲ ack      seq 7   22 B  again, 13 ms after transmission 2, 1013 ms after the first',
      '▲ ack      seq 9   22 B  of a packet that was not seen here',
    ]);
  });

  it('a packet that the device repeats, since it has missed the ack, is marked; the same bytes later are not', () => {
    const bench = new Bench().opened();
    bench.up(points(3, 1)).down(packet(3, 'ack')).after(500).up(points(3, 1));
    bench.down(packet(3, 'ack')).after(6_000).up(points(3, 1)).after(1).up(points(3, 2));
    const texts = bench.lines().filter((line) => line.includes('points'));
    expect(texts).toEqual([
      '▲ points   seq 3   59 B  temp = 1',
      '▲ points   seq 3   59 B  temp = 1  (transmission 2, 500 ms after the first)',
      '▲ points   seq 3   59 B  temp = 1',
      '▲ points   seq 3   59 B  temp = 2',
    ]);
  });

  it('what is thrown away has its reason, the values of a wrong CRC, and its text', () => {
    const bench = new Bench().opened();
    bench.up(damaged(1)).up(fromHex('00 0511 00'.replaceAll(' ', '')));
    bench
      .up(encodeFrame(fromHex('0102')))
      .up('temp=1\0')
      .up(packet(4, '', fromHex('ff01')));
    expect(bench.lines().slice(1)).toEqual([
      expect.stringMatching(
        /^▲ discarded 24 B: wrong CRC: it has 0x[\da-f]{4}, its bytes give 0x[\da-f]{4}$/,
      ),
      '▲ discarded 4 B: wrong COBS: a code byte points past the end of the frame',
      '▲ discarded 5 B: too short for a packet: 2 bytes; a packet has 19 or more',
      '▲ discarded 7 B: wrong COBS: a code byte points past the end of the frame: as text "temp=1"',
      '▲ discarded 24 B: wrong payload: no list of points in either codec',
    ]);
  });

  it('a mistake in the firmware that explains a frame is named', () => {
    const bytes = encodePacket({ sequence: 3, subject: '', payload: temperature(21) });
    const swapped = Uint8Array.from(bytes);
    swapped.set([bytes.at(-1) ?? 0, bytes.at(-2) ?? 0], bytes.length - 2);
    const bench = new Bench().opened();
    bench.up(encodeFrame(swapped)).up(encodeFrame(bytes.subarray(0, -2)));
    expect(bench.lines().slice(1)).toEqual([
      expect.stringMatching(
        /^▲ discarded 59 B: wrong CRC: it has 0x[\da-f]{4}, its bytes give 0x[\da-f]{4}: its two bytes are swapped$/,
      ),
      expect.stringMatching(/: it looks like packets without a CRC$/),
    ]);
  });

  it('a frame that is too long is told while it comes, and at its end', () => {
    const bench = new Bench({ kind: 'cobs', protocol: 'auto', maxFrameLength: 64 }).opened();
    bench.up(new Uint8Array(200).fill(0x81)).up(Uint8Array.of(0));
    expect(bench.lines().slice(1)).toEqual([
      '▲ bytes 80 B: no end of a frame so far',
      '▲ bytes 80 B: no end of a frame so far',
      '▲ discarded 41 B: longer than the maxFrameLength of the link',
    ]);
  });

  it('points in another codec than the link’s protocol are thrown away, as the gateway does', () => {
    const bench = new Bench({ kind: 'cobs', protocol: 'protobuf', maxFrameLength: 1024 }).opened();
    bench.up(points(1, 5));
    expect(bench.lines().slice(1)).toEqual([
      '▲ discarded 59 B: wrong payload: these points are compact, and the link’s protocol is protobuf',
    ]);
  });

  it('a line that echoes: what the gateway has sent is marked when it comes back', () => {
    const bench = new Bench({ ...COBS, mayEcho: { byteMs: 0.1 } }).opened();
    const sent = points(7, 21, 'proto');
    bench.down(sent).after(3).up(sent);
    bench.up(points(1, 5)).down(packet(1, 'ack')).after(1).up(packet(1, 'ack'));
    expect(bench.lines().slice(2)).toEqual([
      '▲ points   seq 7   59 B  subject "proto"  temp = 21  (echo: the line returns what the gateway has sent)',
      '▲ points   seq 1   59 B  temp = 5',
      '▼ ack      seq 1   22 B  0 ms after the packet',
      '▲ ack      seq 1   22 B  (echo: the line returns what the gateway has sent)',
    ]);
  });

  it('log, hello, time, high-rate and file packets are named', () => {
    const bench = new Bench().opened();
    const name = Buffer.alloc(16, 'fw.bin\0\0\0\0\0\0\0\0\0\0');
    const samples = Buffer.alloc(52);
    samples.write('vib');
    samples.write('x', 16);
    samples.writeUInt32LE(1_000_000, 40);
    const sync = POINT_CODECS.compact.encode([
      {
        type: 'timeSync',
        key: '',
        time: FAKE_START_NS,
        value: undefined,
        tombstone: 0,
        origin: '',
      },
    ]);
    bench.up(packet(1, 'log', Buffer.from('boot\x1b[2J')));
    bench.up(packet(2, '')).up(packet(3, 'phr', samples));
    bench.down(packet(4, 'proto', sync));
    bench.down(packet(5, 'file', Buffer.concat([name, fromHex('03000000aabb')])));
    bench.down(packet(6, 'file', Buffer.concat([name, fromHex('ffffffff')])));
    expect(bench.lines().slice(1)).toEqual([
      '▲ log      seq 1   28 B  "boot\\u001b[2J"',
      '▲ hello    seq 2   22 B',
      '▲ phr      seq 3   74 B  vib/x: 2 samples, one each 1 ms',
      '▼ timeSync seq 4   55 B  subject "proto"  2026-01-02T03:04:05.678Z',
      '▼ file     seq 5   44 B  "fw.bin" block 3, 2 bytes',
      '▼ file     seq 6   42 B  "fw.bin" end',
    ]);
  });
});

describe('in the middle of a stream', () => {
  it('the end of a frame whose beginning was not seen is no error; a whole frame is read', () => {
    const bench = new Bench();
    bench.up(points(1, 5).subarray(9)).up(damaged(2));
    expect(bench.lines()).toEqual([
      '▲ bytes 50 B: the end of a frame whose beginning was not seen',
      expect.stringMatching(/^▲ discarded 24 B: wrong CRC/),
    ]);
    // A device whose frames have no leading delimiter.
    const whole = new Bench().up(points(1, 5).subarray(1));
    expect(whole.lines()).toEqual(['▲ points   seq 1   58 B  temp = 5']);
  });

  it('text that is no frame is told line by line, and the rest when nothing follows', () => {
    const bench = new Bench();
    bench.up('temp=23').up('.5\r\nhum=').idle();
    expect(bench.lines()).toEqual(['▲ text 11 B: "temp=23.5\\r\\n"', '▲ text 4 B: "hum="']);
    bench.up(fromHex('8182')).idle().up(fromHex('83')).idle().idle();
    expect(bench.lines()).toEqual([
      '▲ bytes 2 B: no end of a frame so far',
      '▲ bytes 1 B: no end of a frame so far',
    ]);
  });

  it('a frame that comes slowly is read at its end, with the bytes that were not told', () => {
    const bench = new Bench().opened();
    const bytes = points(1, 5);
    bench.up(bytes.subarray(0, 20)).idle().up(bytes.subarray(20));
    expect(bench.lines().slice(1)).toEqual([
      '▲ bytes 20 B: no end of a frame so far',
      '▲ points   seq 1   39 B  temp = 5',
    ]);
  });

  it('many delimiters alone are told once they are many, and few are part of the next frame', () => {
    const bench = new Bench().opened();
    bench.up(new Uint8Array(40)).idle().up(new Uint8Array(2)).idle().up(points(1, 5));
    expect(bench.lines().slice(1)).toEqual([
      '▲ bytes 40 B: delimiters with no frame between them',
      '▲ points   seq 1   61 B  temp = 5',
    ]);
  });

  it('after units were lost the next end of a frame is no error', () => {
    const bench = new Bench().opened();
    bench.up(points(1, 5).subarray(0, 20));
    bench.tell({ kind: 'lost', wallNs: 0n, units: 3, bytes: 99 });
    bench.up(points(2, 6).subarray(20)).up(points(3, 7));
    expect(bench.lines().slice(1)).toEqual([
      '▲ bytes 20 B: no end of a frame so far',
      expect.stringMatching(/^-- 3 chunks or frames \(99 bytes\) are missing here/),
      '▲ bytes 39 B: the end of a frame whose beginning was not seen',
      '▲ points   seq 3   59 B  temp = 7',
    ]);
  });

  it('any chunking of a stream gives the same packets, and shows each byte once', () => {
    const stream = Buffer.concat([
      points(1, 5),
      Buffer.from('boot\r\n'),
      damaged(2),
      packet(2, 'ack'),
      fromHex('000000051100'),
      points(3, 7, '', 'protobuf'),
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (lengths) => {
        const bench = new Bench().opened();
        let at = 0;
        for (const length of lengths) bench.up(stream.subarray(at, (at += length)));
        bench.up(stream.subarray(at));
        const items = bench.found.filter((one): one is CrossedItem => 'direction' in one);
        expect(Buffer.concat(items.map(({ bytes }) => bytes))).toEqual(stream);
        const packets = items.filter(({ kind }) => kind === 'packet');
        expect(packets).toHaveLength(3);
      }),
    );
  });

  it('never throws, whatever it reads, and shows each byte once', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 40 }))), (chunks) => {
        const bench = new Bench({ ...COBS, mayEcho: { byteMs: 0 }, maxFrameLength: 64 });
        for (const [isUp, bytes] of chunks) bench.after(20).bytes(isUp ? 'up' : 'down', bytes);
        bench.idle();
        for (const one of bench.found) {
          textLines(one, true);
          JSON.parse(jsonLine(one));
        }
        const shown = bench.found.reduce(
          (sum, one) =>
            sum + ('bytes' in one && one.bytes instanceof Uint8Array ? one.bytes.length : 0),
          0,
        );
        const all = chunks.reduce((sum, [, { length }]) => sum + length, 0);
        // Fewer than 16 delimiters, each way, wait for the next frame.
        expect(all - shown).toBeGreaterThanOrEqual(0);
        expect(all - shown).toBeLessThan(32);
      }),
    );
  });
});

describe('what is told of the channel', () => {
  it('openings, ends, what the channel threw away, and another configuration', () => {
    const bench = new Bench();
    const { time } = bench;
    bench.up(points(1, 5).subarray(0, 20));
    bench.tell({ kind: 'closed', reason: 'unplugged', ...time });
    bench.tell({ kind: 'discarded', cause: 'canFrame', ...time });
    const link = { name: 'pump', transport: 'a port', port: 'open', format: ISO_TP } as const;
    bench.tell({ kind: 'link', link }).tell({ kind: 'removed' });
    expect(bench.lines()).toEqual([
      '▲ bytes 20 B: no end of a frame so far',
      '-- port closed: unplugged',
      '-- discarded: a frame of CAN FD, and the link is not configured for it (fd: true)',
      '-- the link is configured otherwise now, and its traffic is read as that says',
      '-- the link was removed from the configuration',
    ]);
    bench.frame('up', 0x124, '0301');
    expect(bench.lines()[1]).toMatch(/no frame of ISO-TP/);
  });
});

describe('CAN frames', () => {
  it('ISO-TP: the kind of each frame, and the packet after its last', () => {
    const bench = new Bench(ISO_TP).opened();
    const bytes = Buffer.from(
      encodePacket({ sequence: 9, subject: 'ack', payload: new Uint8Array() }),
    );
    bench.frame('up', 0x124, `1013${bytes.toString('hex', 0, 6)}`);
    bench.frame('down', 0x123, '300805');
    bench.frame('up', 0x124, `21${bytes.toString('hex', 6, 13)}`);
    bench.frame('up', 0x124, `22${bytes.toString('hex', 13)}`);
    bench.frame('down', 0x123, '320000').frame('up', 0x124, '23aa').frame('up', 0x124, '0101');
    expect(bench.lines().slice(1)).toEqual([
      `▲ 124#1013${bytes.toString('hex', 0, 6).toUpperCase()}  first frame of 19 bytes`,
      '▼ 123#300805  flow control: continue, block size 8, STmin 5 ms',
      `▲ 124#21${bytes.toString('hex', 6, 13).toUpperCase()}  consecutive frame 1`,
      `▲ 124#22${bytes.toString('hex', 13).toUpperCase()}  consecutive frame 2`,
      '▲ ack      seq 9   19 B  of a packet that was not seen here',
      '▼ 123#320000  flow control: overflow',
      '▲ 124#23AA  consecutive frame 3',
      expect.stringContaining('a frame that is not due'),
      '▲ 124#0101  single frame, 1 bytes',
      '▲ discarded 1 B: too short for a packet: 1 bytes; a packet has 19 or more',
    ]);
  });

  it('looks ten times a second cost no time: bytes wait 0.3 s for their end, ISO-TP 1 s for the next frame', () => {
    const bytes = new Bench();
    bytes.up('temp=23').ticks(2);
    expect(bytes.lines()).toEqual([]);
    bytes.ticks(1);
    expect(bytes.lines()).toEqual(['▲ text 7 B: "temp=23"']);

    const frames = new Bench(ISO_TP);
    frames.frame('up', 0x124, '1013010203040506').ticks(9);
    frames.frame('up', 0x124, '210708090a0b0c0d').ticks(9).tell({ kind: 'removed' }).ticks(1);
    expect(frames.lines().filter((line) => line.includes('discarded'))).toEqual([]);
    frames.ticks(1);
    expect(frames.lines()).toEqual([
      '▲ discarded: the next frame of the packet did not come within 1 s',
    ]);
  });

  it('ISO-TP: in the middle of a packet, and one that does not go on', () => {
    const bench = new Bench(ISO_TP);
    bench.frame('up', 0x124, '22aabb').frame('up', 0x124, '1013010203040506');
    bench.after(900).tick();
    expect(bench.lines()).toEqual([
      '▲ 124#22AABB  consecutive frame 2',
      '▲ 124#1013010203040506  first frame of 19 bytes',
    ]);
    bench.idle();
    expect(bench.lines()).toEqual([
      '▲ discarded: the next frame of the packet did not come within 1 s',
    ]);
  });

  it('COBS in frames, identifiers of 29 bits, and FD', () => {
    const bench = new Bench({ ...COBS, canFd: true }).opened();
    const bytes = Buffer.from(packet(1, 'ack'));
    for (let at = 0; at < bytes.length; at += 12) {
      bench.frame('up', 0x18daf110, bytes.toString('hex', at, at + 12), { fd: true });
    }
    expect(bench.lines().slice(1)).toEqual([
      `▲ 18DAF110##0${bytes.toString('hex', 0, 12).toUpperCase()}`,
      `▲ 18DAF110##0${bytes.toString('hex', 12).toUpperCase()}`,
      '▲ ack      seq 1   22 B  of a packet that was not seen here',
    ]);
  });

  it('signals of a database, with their units and texts', () => {
    const root = dirname(createRequire(import.meta.url).resolve('#package.json'));
    const content = readFileSync(join(root, 'gateway.example.dbc')).toString('base64');
    const bench = new Bench({ kind: 'signals', database: { file: 'motor.dbc', content } });
    bench.frame('up', 291, '7d000200').frame('down', 292, '0a00').frame('up', 0x7ff, '01');
    const json = JSON.parse(jsonLine(bench.found[0]!)) as Record<string, unknown>;
    expect(bench.lines()).toEqual([
      '▲ 123#7D000200  Motor: Speed = 12.5 rpm, Gear = "second"',
      '▼ 124#0A00  Command: Setpoint = 1 rpm',
      '▲ 7FF#01',
    ]);
    expect(json).toMatchObject({
      direction: 'up',
      hex: '7d000200',
      can: { id: '123', fd: false },
      message: { name: 'Motor', signals: { Speed: 12.5, Gear: 2 }, text: { Gear: 'second' } },
    });
  });
});

describe('lines', () => {
  it('for people: local time, and all bytes below, 16 in a line', () => {
    const bench = new Bench().opened();
    bench.up(points(12, 23.5));
    const [head, ...hex] = textLines(bench.found[1]!, true);
    expect(head).toMatch(/^\d\d:\d\d:05\.678 ▲ points {3}seq 12 {2}59 B {2}temp = 23\.5$/);
    expect(hex.map((line) => line.trim())).toEqual(
      [0, 16, 32, 48].map((at) =>
        [...points(12, 23.5).subarray(at, at + 16)]
          .map((byte) => byte.toString(16).padStart(2, '0'))
          .join(' '),
      ),
    );
  });

  it('of JSON: bytes in hex, points, the round trip, a wrong CRC', () => {
    const bench = new Bench().opened();
    bench.up(points(12, 23.5)).after(1.8).down(packet(12, 'ack')).up(damaged(1)).up('hi\n');
    const lines = bench.found.map((one) => JSON.parse(jsonLine(one)) as object);
    const time = String(FAKE_START_NS);
    const later = String(FAKE_START_NS + 1_800_000n);
    expect(lines).toEqual([
      { time, port: 'open', transport: 'a port' },
      {
        time,
        direction: 'up',
        hex: Buffer.from(points(12, 23.5)).toString('hex'),
        packet: {
          kind: 'points',
          sequence: 12,
          subject: '',
          length: 56,
          codec: 'compact',
          points: [{ type: 'temp', key: '', value: 23.5, time: '0' }],
        },
      },
      {
        time: later,
        direction: 'down',
        hex: Buffer.from(packet(12, 'ack')).toString('hex'),
        packet: {
          kind: 'ack',
          sequence: 12,
          subject: 'ack',
          length: 19,
          acknowledged: {
            roundTripMs: 1.8,
            sinceFirstMs: 1.8,
            transmissions: 1,
            isRepeated: false,
          },
        },
      },
      {
        time: later,
        direction: 'up',
        hex: Buffer.from(damaged(1)).toString('hex'),
        discarded: {
          cause: 'crc',
          stated: expect.any(Number) as number,
          computed: expect.any(Number) as number,
          length: 21,
        },
      },
      { time: later, direction: 'up', hex: '68690a', text: 'hi\n' },
    ]);
  });
});

const big = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;
