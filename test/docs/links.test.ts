/** Every link of every page leads to a file, and to a heading, that exist; every path that a page names, too. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { filesWith, headingsOf, linksOf, read, withoutCodeBlocks } from './documents.js';

const pages = filesWith(['.md']);

it('finds all pages', () => {
  expect(pages).toEqual(
    expect.arrayContaining(['README.md', 'docs/architecture.md', 'docs/siot.md', 'CHANGELOG.md']),
  );
});

it.each(pages)('%s: every link leads somewhere', (page) => {
  const dead = linksOf(read(page)).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(target)) return true;
    return anchor !== undefined && !headingsOf(read(target)).some((one) => one.anchor === anchor);
  });
  expect(dead).toEqual([]);
});

/** Not those of the changelog, which tells of what has been. */
it.each(pages.filter((page) => page !== 'CHANGELOG.md'))(
  '%s: every path of this repository exists',
  (page) => {
    const named = [...withoutCodeBlocks(read(page)).matchAll(/`([^`\s]+)`/g)].map(
      ([, path = '']) => path,
    );
    const paths = named.filter((path) =>
      /^(?:src|test|bench|tools|docs|proto|firmware-sim)\/[\w./-]*$/.test(path),
    );
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  },
);
