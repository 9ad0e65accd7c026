import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineDeframer, lineOf } from '../../src/framing/text-lines.js';

type Event = string | { discard: string; length: number };

/** What comes out of these chunks, each overwritten as soon as it was pushed. `>`: a prompt. */
function read(chunks: readonly (string | Uint8Array)[], maxLineLength = 200): Event[] {
  const events: Event[] = [];
  const deframer = new LineDeframer(
    {
      frame: (bytes) => void events.push(Buffer.from(bytes).toString('latin1')),
      discard: (cause, length) => void events.push({ discard: cause, length }),
      prompt: () => void events.push('>'),
    },
    maxLineLength,
  );
  for (const chunk of chunks) {
    const lent = typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : Buffer.from(chunk);
    deframer.push(lent);
    lent.fill(0xaa);
  }
  return events;
}

describe('lines of a console', () => {
  it.each([
    ['with LF', 'pt temp 0 FLT 1\n', ['pt temp 0 FLT 1']],
    ['with CR LF', 'one\r\ntwo\r\n', ['one', 'two']],
    ['that are empty', '\r\n  \t\r\n\n', []],
    ['behind a prompt', 'uart:~$ pt a 0 INT 1\r\n', ['>', 'pt a 0 INT 1']],
    ['behind several prompts', 'uart:~$ uart:~$ \r uart:~$ x\n', ['>', '>', '>', 'x']],
    ['with a prompt inside', 'a uart:~$ b\n', ['a uart:~$ b']],
    ['with a prompt alone, which has no end', 'uart:~$ ', ['>']],
    ['in colours', '\x1b[1;32muart:~$ \x1b[0m\x1b[8D\x1b[Jhello\x1b[m\r\n', ['>', 'hello']],
    ['with other escapes', 'a\x1bcb\x1b[12;3Hc\x1b\x1bd\n', ['abcd']],
    ['with an escape that has no end', 'a\x1b[12\nb\x1b\nc\n', ['a', 'b', 'c']],
    ['with an escape that breaks off', 'a\x1b[1\x80b\n', ['a\x80b']],
    ['with spaces inside', '  a  b\t\r\n', ['a  b']],
    ['without an end', 'abc', []],
  ] as const)('%s', (_, text, expected) => {
    expect(read([text])).toEqual(expected);
    expect(read(Array.from(Buffer.from(text, 'latin1'), (byte) => Uint8Array.of(byte)))).toEqual(
      expected,
    );
  });

  it('counts a line that is too long once, and goes on behind it', () => {
    const chunks = ['x'.repeat(7), 'y'.repeat(1_000), 'z\nshort\r\n'];
    expect(read(chunks, 10)).toEqual([{ discard: 'oversize', length: 11 }, 'short']);
  });

  it('takes a line of the longest length', () => {
    expect(read([`${'x'.repeat(10)}\n`], 10)).toEqual(['x'.repeat(10)]);
    expect(read([`${'x'.repeat(9)}\r\n`], 10)).toEqual(['x'.repeat(9)]);
  });

  it('forgets a partial line when the port was opened again', () => {
    const lines: string[] = [];
    const sink = {
      frame: (bytes: Uint8Array) => void lines.push(Buffer.from(bytes).toString()),
      discard: () => undefined,
      prompt: () => undefined,
    };
    const deframer = new LineDeframer(sink, 100);
    deframer.push(Buffer.from('half\x1b['));
    deframer.reset();
    deframer.push(Buffer.from('whole\n'));
    expect(lines).toEqual(['whole']);
  });

  it('gives the same for any chunks', () => {
    const piece = fc.constantFrom(
      ...['\n', '\r\n', 'uart:~$ ', '\x1b', '\x1b[', '1;3', 'm', ' ', 'pt a 0 INT 1', '\x80'],
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), cuts, (pieces, lengths) => {
        const text = pieces.join('');
        const chunks: string[] = [];
        for (let at = 0, turn = 0; at < text.length; turn += 1) {
          const length = lengths[turn % lengths.length] ?? 1;
          chunks.push(text.slice(at, at + length));
          at += length;
        }
        expect(read(chunks, 30)).toEqual(read([text], 30));
      }),
    );
  });

  it('ends a command with CR LF', () => {
    expect(Buffer.from(lineOf('siot dump')).toString()).toBe('siot dump\r\n');
  });
});
