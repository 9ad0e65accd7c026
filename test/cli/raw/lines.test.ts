import { expect, it } from 'vitest';
import { RawDecoder } from '../../../src/cli/raw/decoder.js';
import type { Decoded } from '../../../src/cli/raw/decoded.js';
import { textLines } from '../../../src/cli/raw/text.js';

it('shows the lines of a console, and a prompt that has no end', () => {
  const found: Decoded[] = [];
  const decoder = new RawDecoder(
    { kind: 'lines', maxLineLength: 40 },
    (one) => void found.push(one),
  );
  const crosses = (direction: 'up' | 'down', text: string): void => {
    const bytes = Buffer.from(text);
    decoder.event({ kind: 'bytes', direction, monotonicMs: 1, wallNs: 1n, bytes });
  };
  crosses('down', 'siot dump\r\n');
  crosses('up', 'pt a 0 I');
  crosses('up', 'NT 1\r\n\x1b[1;32muart:~$ ');
  decoder.idle(10_000);
  crosses('up', 'x'.repeat(41));
  expect(found.flatMap((one) => textLines(one, false)).map((line) => line.slice(13))).toEqual([
    '▼ text 11 B: "siot dump"',
    '▲ text 14 B: "pt a 0 INT 1"',
    '▲ text 15 B: "\\u001b[1;32muart:~$ "',
    `▲ text 41 B: "${'x'.repeat(41)}"`,
  ]);
});
