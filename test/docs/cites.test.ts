/** What code cites of the pages in docs/ exists, so that a newcomer can follow it. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { citesOf, filesWith, headingsOf, read } from './documents.js';

/** A number is the section's, as `2.1 Framing (COBS)` has it; anything else is the whole heading. */
function isSectionOf(page: string, section: string): boolean {
  const headings = headingsOf(read(page)).map(({ text }) => text);
  return headings.some(
    (text) => text === section || (text.startsWith(`${section} `) && /^\d/.test(section)),
  );
}

const sources = filesWith(['.ts', '.mjs', '.yaml', '.proto', '.sh', '.md']).filter(
  (path) => !path.startsWith('test/docs/') && path !== 'CHANGELOG.md',
);

describe('a cite', () => {
  it('is found with its sections, also across the end of a line and in a comment of any kind', () => {
    const text = [
      '/** Counts (docs/contract.md, "Whose',
      ' * points"; docs/siot.md, 5.1): published. See docs/siot.md, 4.4, 4.5 and 4.9. */',
      '// docs/contract.md, \'Towards the device\', "Codec". Then docs/siot.md, 4 that nobody has.',
      '# docs/siot.md',
    ].join('\n');
    expect(citesOf(text)).toEqual([
      { page: 'docs/contract.md', sections: ['Whose points'] },
      { page: 'docs/siot.md', sections: ['5.1'] },
      { page: 'docs/siot.md', sections: ['4.4', '4.5', '4.9'] },
      { page: 'docs/contract.md', sections: ['Towards the device', 'Codec'] },
      { page: 'docs/siot.md', sections: ['4'] },
      { page: 'docs/siot.md', sections: [] },
    ]);
  });

  it('points to a page, and to a section that this page has', () => {
    const all = sources.flatMap((path) => citesOf(read(path)).map((cite) => ({ path, ...cite })));
    const dead = all.flatMap(({ path, page, sections }) => {
      if (!existsSync(page)) return [`${path}: ${page} does not exist`];
      return sections
        .filter((section) => !isSectionOf(page, section))
        .map((section) => `${path}: ${page} has no section ${section}`);
    });
    expect(all.length).toBeGreaterThan(100);
    expect(dead).toEqual([]);
  });
});
