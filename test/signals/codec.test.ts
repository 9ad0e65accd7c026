import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../firmware-sim/random.js';
import type { Message, Signal } from '../../src/signals/database.js';
import { ONE, ZERO } from '../../src/signals/decimal.js';
import { MessageCodec } from '../../src/signals/message-codec.js';
import { checkRandomFrames } from './inverse.js';
import { codecOf, decode, features, naiveDecode, randomBytes, values } from './support.js';

const place = { line: 1, column: 1 };

const signalOf = (given: Partial<Signal>): Signal => ({
  name: 'S',
  start: 0,
  length: 8,
  byteOrder: 'little',
  kind: 'unsigned',
  factor: ONE,
  offset: ZERO,
  unit: '',
  comment: '',
  texts: new Map(),
  isMultiplexer: false,
  place,
  ...given,
});

const messageOf = (length: number, ...signals: Signal[]): Message => ({
  name: 'M',
  id: 1,
  extended: false,
  length,
  fd: length > 8,
  bitRateSwitch: false,
  comment: '',
  bus: '',
  signals,
  place,
});

describe('decoding', () => {
  it('reads little and big endian, signed, scaled and offset', () => {
    const motor = codecOf(features('dbc'), 'Motor');
    // Speed 0x007D, Temperature 0xF6 = −10, Gear 3 and Running, Torque 0xFFE = −2, Angle 0x050.
    expect(values(motor, '7d00f60bffefd280')).toEqual({
      Speed: '12.5',
      Temperature: '-45',
      Gear: '3',
      Running: '1',
      Torque: '-0.5',
      Angle: '80',
    });
  });

  it('tells standard and extended ids apart', () => {
    const database = features('dbc');
    const ids = database.messages
      .filter(({ id }) => id === 0x123)
      .map(({ name, extended }) => [name, extended]);
    expect(ids).toEqual([
      ['Motor', false],
      ['MotorExtended', true],
    ]);
  });

  it('keeps each bit of 64, and each digit of its scaled value', () => {
    const database = features('dbc');
    const counter = codecOf(database, 'MotorExtended');
    expect(values(counter, 'ffffffffffffffff')).toEqual({ Counter: '18446744073709551615' });
    const precise = codecOf(database, 'Precise');
    expect(values(precise, '7fffffffffffffff')).toEqual({ Energy: '9223372036854775.807' });
    expect(values(precise, '8000000000000000')).toEqual({ Energy: '-9223372036854775.808' });
    expect(values(precise, '0000000000000003')).toEqual({ Energy: '0.003' });
  });

  it('reads floats and doubles', () => {
    const floats = codecOf(features('dbc'), 'Floats');
    const data = Buffer.alloc(12);
    data.writeFloatLE(0.1, 0);
    data.writeDoubleBE(-2.25, 4);
    expect(values(floats, data.toString('hex'))).toEqual({
      Single: String(Math.fround(0.1)),
      Double: '-3.5',
    });
  });

  it('reads 511 and 512 bits', () => {
    const database = features('dbc');
    const ones = 'ff'.repeat(64);
    expect(values(codecOf(database, 'Wide'), ones)).toEqual({ All: String(2n ** 512n - 1n) });
    expect(values(codecOf(database, 'WideBig'), ones)).toEqual({ Serial: '-1' });
    expect(values(codecOf(database, 'WideBig'), `7f${'ff'.repeat(63)}`)).toEqual({
      Serial: String(2n ** 510n - 1n),
    });
  });

  it('shows the signals that a multiplexer selects', () => {
    const simple = codecOf(features('dbc'), 'Simple');
    expect(values(simple, '0034120700000000')).toEqual({ Page: '0', Low: '4660', Always: '7' });
    expect(values(simple, '01feff0700000000')).toEqual({ Page: '1', High: '-257', Always: '7' });
    expect(values(simple, '0234120700000000')).toEqual({ Page: '2', Always: '7' });
  });

  it('follows multiplexers below multiplexers, and ranges of codes', () => {
    const nested = codecOf(features('dbc'), 'Nested');
    expect(values(nested, '0301050000000000')).toEqual({ Outer: '3', Inner: '1', Deep: '5' });
    expect(values(nested, '0302050000000000')).toEqual({ Outer: '3', Inner: '2' });
    expect(values(nested, '0701050000000000')).toEqual({ Outer: '7', Ranged: '1' });
    expect(values(nested, '0401050000000000')).toEqual({ Outer: '4' });
  });

  it('leaves out what a short frame cuts off', () => {
    const motor = codecOf(features('dbc'), 'Motor');
    expect(values(motor, '7d00f6')).toEqual({ Speed: '12.5', Temperature: '-45' });
    expect(values(codecOf(features('dbc'), 'Simple'), '00')).toEqual({ Page: '0' });
  });

  it('knows the texts of codes', () => {
    const gear = codecOf(features('dbc'), 'Motor').signal('Gear');
    expect([gear?.text(3), gear?.text(4), gear?.codeOfText('second')]).toEqual([
      'third',
      undefined,
      2,
    ]);
  });
});

describe('encoding', () => {
  it('is the inverse of decoding, and both are what a naive one does', () => {
    for (const format of ['dbc', 'kcd'] as const) checkRandomFrames(features(format), 200, 1);
  });

  it('starts from the start values of the database', () => {
    const motor = codecOf(features('dbc'), 'Motor');
    expect(Buffer.from(motor.encode(new Map())).toString('hex')).toBe('0000500000000000');
  });

  it('leaves out what is not selected', () => {
    const simple = codecOf(features('dbc'), 'Simple');
    const data = simple.encode(
      new Map([
        ['Page', 1],
        ['Low', 0xffff],
      ]),
    );
    expect(Buffer.from(data).toString('hex')).toBe('0100000000000000');
  });

  it('fills FD frames up to a length that exists', () => {
    const ten = new MessageCodec(messageOf(10, signalOf({ start: 72 })));
    expect(ten.frame(ten.encode(new Map([['S', 9]]))).data).toEqual(
      Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0]),
    );
  });

  it('does not send a text of a code that the signal cannot hold', () => {
    const texts = new Map([
      [1n, 'on'],
      [-1n, 'fault'],
    ]);
    const [signal] = new MessageCodec(messageOf(1, signalOf({ texts }))).signals;
    expect([signal?.codeOfText('on'), signal?.codeOfText('fault')]).toEqual([1, undefined]);
    expect([...(signal?.texts.values() ?? [])]).toEqual(['on']);
  });

  it('takes the nearest code, and says what is allowed otherwise', () => {
    const motor = codecOf(features('dbc'), 'Motor');
    const speed = motor.signal('Speed');
    expect(speed?.codeOfValue({ digits: 125n, scale: 1 })).toEqual({ code: 125, exact: true });
    expect(speed?.codeOfValue({ digits: 1255n, scale: 2 })).toEqual({ code: 126, exact: false });
    expect(speed?.codeOfValue({ digits: -1n, scale: 0 })).toBe('0 to 6553.5 rpm');
    const torque = motor.signal('Torque');
    expect(torque?.codeOfValue({ digits: 512n, scale: 0 })).toBe('-512 to 511.75 Nm');
    expect(torque?.codeOfValue({ digits: -512n, scale: 0 })).toEqual({ code: -2048, exact: true });
  });
});

/** All places that a signal can have in 64 bytes. */
const anySignal = fc
  .record({
    byteOrder: fc.constantFrom('little' as const, 'big' as const),
    kind: fc.constantFrom('unsigned' as const, 'signed' as const),
    start: fc.nat(511),
    wish: fc.integer({ min: 1, max: 512 }),
    seed: fc.nat(),
  })
  .map(({ byteOrder, kind, start, wish, seed }) => {
    const room = byteOrder === 'little' ? 512 - start : 512 - (start & ~7) - 7 + (start & 7);
    return { signal: signalOf({ byteOrder, kind, start, length: Math.min(wish, room) }), seed };
  });

describe('a signal anywhere', () => {
  it('is read as a naive decoder reads it, and written back without touching others', () => {
    fc.assert(
      fc.property(anySignal, ({ signal, seed }) => {
        const message = messageOf(64, signal);
        const codec = new MessageCodec(message);
        const data = randomBytes(new SeededRandom(seed), 64);
        const codes = decode(codec, data);
        expect(codes).toEqual(naiveDecode(message, data));
        const copy = Uint8Array.from(data);
        codec.signals[0]?.write(copy, codes.get('S') ?? 0);
        expect(copy).toEqual(data);
        codec.signals[0]?.write(copy, signal.length > 53 ? 0n : 0);
        for (const byte of copy.keys()) copy[byte] = (copy[byte] ?? 0) & (data[byte] ?? 0);
        expect(decode(codec, copy).get('S')).toEqual(signal.length > 53 ? 0n : 0);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
