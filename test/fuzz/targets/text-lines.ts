import { LineDeframer } from '../../../src/framing/text-lines.js';
import { readLine } from '../../../src/packet/shell/line.js';
import { pushInPieces } from '../inputs.js';
import { agree, must, type FuzzTarget } from '../target.js';

/** Small, so that lines that are too long are common. */
const MAX_LINE = 120;
const PROMPT = 'uart:~$ ';
const SPACE = '[\\x09-\\x0d ]';

function read(stream: Uint8Array, lengths: readonly number[]): string[] {
  const events: string[] = [];
  const deframer = new LineDeframer(
    {
      frame: (bytes) => void events.push(`line ${Buffer.from(bytes).toString('latin1')}`),
      discard: (cause, length) => void events.push(`${cause} ${String(length)}`),
      prompt: () => undefined,
    },
    MAX_LINE,
  );
  pushInPieces(deframer, stream, lengths);
  return events;
}

/** By cutting at line ends, and by regular expressions. */
function reference(stream: Uint8Array): string[] {
  const events: string[] = [];
  const lines = Buffer.from(stream).toString('latin1').split('\n');
  lines.forEach((raw, index) => {
    if (raw.length > MAX_LINE) {
      events.push(`oversize ${String(MAX_LINE + 1)}`);
      return;
    }
    if (index === lines.length - 1) return;
    // eslint-disable-next-line no-control-regex -- escape sequences are what it finds
    let line = raw.replaceAll(/\x1b(?:\[[\x20-\x3f]*[\x40-\x7e]?|[^[])?/gs, '');
    for (;;) {
      line = line.replace(new RegExp(`^${SPACE}+`), '');
      if (!line.startsWith(PROMPT)) break;
      line = line.slice(PROMPT.length);
    }
    line = line.replace(new RegExp(`${SPACE}+$`), '');
    if (line !== '') events.push(`line ${line}`);
  });
  return events;
}

/** What a console prints to lines, and a line to a point. */
export const textLinesTarget: FuzzTarget = {
  name: 'text-lines',
  files: [
    'src/framing/text-lines.ts',
    'src/packet/shell/line.ts',
    'src/packet/shell/banner.ts',
    'src/packet/shell/fields.ts',
    'src/packet/shell/numbers.ts',
    'src/packet/shell/time.ts',
  ],
  maxLength: 600,
  words: [
    PROMPT,
    '\x1b[1;32m',
    '\r\n',
    'pt ',
    ' INT ',
    ' FLT ',
    ' STR "',
    ' JSN ',
    '2026-01-02T03:04:05.678901234Z',
    '[00:00:01.234,567] <inf> ',
    '*** Booting Zephyr OS',
    '*** Using Zephyr OS',
  ],
  corpus: () =>
    [
      '\x1b[1;32muart:~$ \x1b[mpt temp front FLT -12.25\r\n',
      'pt description 0 STR "lab \\"bench\\"" 2026-01-02T03:04:05.678901234Z\r\n',
      'pt n 0 INT -40 ""\npt x 0 FLT 0x1p-2\npt x 0 FLT NaN\n',
      '*** Booting Zephyr OS build v3.7.0 ***\r\n[00:00:01.234,567] <err> pump: dry\r\n',
    ].map((text) => Uint8Array.from(Buffer.from(text))),
  check: (input) => {
    const whole = read(input, [input.length + 1]);
    agree('whole, and by regular expressions', whole, reference(input));
    agree('whole, and byte by byte', whole, read(input, [1]));
    agree('whole, and in pieces', whole, read(input, [3, 1, 64, 7]));
    for (const event of whole) {
      if (!event.startsWith('line ')) continue;
      const line = event.slice('line '.length);
      const said = readLine(line);
      const isReport = said.kind === 'point' || said.kind === 'broken';
      // A reset has cut off the line before its banner.
      if (said.kind !== 'booted') agree('a report', isReport, /^pt( |$)/.test(line));
      else must(/\*\*\* (Booting|Using)/.test(line), 'a start without a banner');
      if (said.kind === 'point') must(said.point.type !== '', 'a point without a type');
    }
  },
};
