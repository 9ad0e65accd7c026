import { describe, expect, it } from 'vitest';
import { DatabaseCodec } from '../../src/signals/database-codec.js';
import { readDatabase } from '../../src/signals/formats.js';
import { codecOf, features, parse, problemsOf, values, warningsOf } from './support.js';

const kcd = (inside: string): string =>
  `<NetworkDefinition>\n<Bus name="B">\n${inside}\n</Bus>\n</NetworkDefinition>\n`;
const signal = (attributes: string, inside = ''): string =>
  kcd(
    `<Message id="1" name="M" length="8"><Signal name="S" ${attributes}>${inside}</Signal></Message>`,
  );

describe('a KCD database', () => {
  it('counts the bits of big-endian signals as they come on the wire', () => {
    // Speed 0x007D; Gear 3 in the low bits of byte 2; Big 0x… in its last four bits and byte 3.
    const motor = codecOf(features('kcd'), 'Motor');
    expect(values(motor, '7d00f3fe')).toEqual({ Speed: '12.5', Big: '255.5', Gear: '3' });
  });

  it('is read with notes, units, labels, groups of labels and lengths that follow from signals', () => {
    const [motor, extended, pages] = features('kcd').messages;
    expect(motor).toMatchObject({ length: 4, cycleMs: 100, comment: 'The motor.', bus: 'Drive' });
    expect(motor?.signals[0]).toMatchObject({ unit: 'rpm', comment: 'Of the shaft.' });
    expect([...(motor?.signals[2]?.texts ?? [])]).toEqual([
      [3n, 'third'],
      [6n, 'fault'],
      [7n, 'fault'],
    ]);
    expect(extended).toMatchObject({ id: 0x123, extended: true });
    expect(pages?.signals[0]).toMatchObject({ name: 'Page', unit: 'page', isMultiplexer: true });
    expect([...(pages?.signals[0]?.texts ?? [])]).toEqual([[2n, 'last']]);
  });

  it('may select one signal by several groups of a multiplexer', () => {
    const pages = codecOf(features('kcd'), 'Pages');
    expect(values(pages, '00341280')).toEqual({ Page: '0', Low: '4660', Flag: '1' });
    expect(values(pages, '01341280')).toEqual({ Page: '1', High: '13330', Flag: '1' });
    expect(values(pages, '02341200')).toEqual({ Page: '2', Low: '4660', Flag: '0' });
  });

  it('may have a multiplexer in a group of another, and more of the group behind it', () => {
    const group = (code: number, inside: string): string =>
      `<MuxGroup count="${code}">${inside}</MuxGroup>`;
    const byte = (name: string, at: number): string =>
      `<Signal name="${name}" offset="${8 * at}" length="8"/>`;
    const inner = `<Multiplex name="Inner" offset="8" length="8">${group(2, byte('A', 2))}</Multiplex>`;
    const outer = `<Multiplex name="Outer" offset="0" length="8">${group(1, inner + byte('B', 3))}</Multiplex>`;
    const message = codecOf(
      parse(kcd(`<Message id="1" name="M" length="4">${outer}</Message>`)),
      'M',
    );
    expect(values(message, '01020304')).toEqual({ Outer: '1', Inner: '2', A: '3', B: '4' });
    expect(values(message, '00020304')).toEqual({ Outer: '0' });
  });

  it('may have several buses, of which one is chosen', () => {
    const bytes = Buffer.from(
      '<NetworkDefinition><Bus name="A"><Message id="1" name="M" length="1"/></Bus>' +
        '<Bus name="B"><Message id="1" name="N" length="1"/></Bus></NetworkDefinition>',
    );
    const both = readDatabase(bytes);
    expect(warningsOf(both)[0]).toMatch(/N has the id 0x001 of M .*say which bus it is, A or B/);
    expect(new DatabaseCodec(both).find({ id: 1, extended: false })).toBeUndefined();
    const one = readDatabase(bytes, 'B');
    expect(new DatabaseCodec(one).find({ id: 1, extended: false })?.message.name).toBe('N');
    expect(() => readDatabase(bytes, 'C')).toThrow('there is no bus C; there is A, B');
  });

  it.each<[string, string, string]>([
    ['is no XML', '<NetworkDefinition><Bus></NetworkDefinition>', '1:45: this is no XML: '],
    ['ends early', '<NetworkDefinition>\n<Bus name="x">', '2:15: this is no XML: unclosed tag'],
    [
      'has entities of its own',
      '<!DOCTYPE x [<!ENTITY a "b">]><NetworkDefinition>&a;</NetworkDefinition>',
      '1:53: this is no XML: undefined entity',
    ],
    ['is other XML', '<svg/>', '1:1: <svg> begins no KCD database'],
    ['has a message without an id', kcd('<Message name="M"/>'), '3:1: <Message>: id is missing'],
    ['has a signal without an offset', signal(''), '3:37: <Signal>: offset is missing'],
    [
      'has a length that is no number',
      signal('offset="0" length="x"'),
      '<Signal>: length is "x"; give a whole number',
    ],
    [
      'has an unknown byte order',
      signal('offset="0" endianess="middle"'),
      '<Signal>: endianess is "middle"; give little or big',
    ],
    [
      'has an unknown type',
      signal('offset="0"', '<Value type="half"/>'),
      '<Value>: type is "half"',
    ],
    [
      'has a slope that is no number',
      signal('offset="0"', '<Value slope="1,5"/>'),
      '<Value>: slope is "1,5"; give a number',
    ],
    [
      'has a signal beyond its message',
      signal('offset="63" length="2"'),
      '3:37: M.S reaches into byte 8',
    ],
    ['has a signal of a million bits', signal('offset="0" length="1000000"'), 'at most 32760 bits'],
  ])('is refused that %s', (_what, text, expected) => {
    expect(problemsOf(text)[0]).toContain(expected);
  });

  it('may have a range upside down, which is ignored with a warning', () => {
    const text = signal('offset="0"', '<Value min="5" max="-5"/>');
    expect(warningsOf(parse(text))).toEqual(['3:65: min is above max: the range is ignored']);
  });

  it('warns of one id on two buses', () => {
    const bus = (name: string, message: string): string =>
      `<Bus name="${name}"><Message id="0x1" name="${message}" length="8"/></Bus>`;
    const text = `<NetworkDefinition>\n${bus('engine', 'M')}\n${bus('body', 'N')}\n</NetworkDefinition>`;
    expect(warningsOf(parse(text))).toEqual([
      '3:18: N has the id 0x001 of M in line 2, on another bus: its frames are ignored until you say which bus it is, engine or body',
    ]);
  });

  it('ignores a group of more labels than anyone has', () => {
    const text = signal(
      'offset="0" length="32"',
      '<LabelSet><LabelGroup name="x" from="0" to="4294967295"/></LabelSet>',
    );
    expect(warningsOf(parse(text))).toEqual([
      '3:87: the label for 0 to 4294967295 is ignored: too many codes',
    ]);
  });
});
