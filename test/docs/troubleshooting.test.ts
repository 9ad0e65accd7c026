/** docs/troubleshooting.md has the words that the program says, and every counter. */
import { expect, it } from 'vitest';
import { DIAGNOSIS_CAUSES } from '../../src/session/diagnosis/diagnosis.js';
import { filesWith, read } from './documents.js';

const page = read('docs/troubleshooting.md');

/** The code with texts that are joined from several lines in one piece. */
const code = filesWith(['.ts'], 'src')
  .map(read)
  .join('\n')
  .replaceAll(/['`]\s*\+\s*['`]/g, '')
  .replaceAll(/\s+/g, ' ');

it('quotes messages as the program says them', () => {
  const symptoms = [...page.matchAll(/^\| ([^|]+)\|/gm)].map(([, cell = '']) => cell);
  const quoted = symptoms.flatMap((cell) =>
    [...cell.matchAll(/`([^`]* [^`]*)`/g)].map(([, message = '']) => message),
  );
  expect(quoted.length).toBeGreaterThan(40);
  // What stands for a name, a number or a reason is `…` on the page.
  const wrong = quoted.filter((message) =>
    message.split('…').some((piece) => !code.includes(piece.replaceAll(/^[ :]+|[ :]+$/g, ''))),
  );
  expect(wrong).toEqual([]);
});

/** What is in the docblocks of the counters: `name`: …, or several names in a row. */
it('explains every counter', () => {
  const blocks = [
    'src/session/node/counters.ts',
    'src/framing/framing.ts',
    'src/packet/packet.ts',
    'src/transport/transport.ts',
  ].map(read);
  const lines = blocks.flatMap((text) => [...text.matchAll(/^ \* - ((?:`\w+`(?:, )?)+):/gm)]);
  const names = lines.flatMap(([, list = '']) =>
    [...list.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  );
  expect(names.length).toBeGreaterThan(35);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

it('has a row for each diagnosis', () => {
  const section = page.split('## Why does it not talk?')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, cause = '']) => cause);
  expect(rows.sort()).toEqual([...DIAGNOSIS_CAUSES].sort());
});
