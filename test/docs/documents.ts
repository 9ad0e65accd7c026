/** The Markdown pages of the repository, their headings and links, and who cites them. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** Made by tools, or held in a form of its own. */
const LEFT_OUT = new Set([
  'node_modules',
  'dist',
  'build',
  'coverage',
  'state',
  '.git',
  join('test', 'vectors'),
]);

/** Paths of all files with one of these endings, from the root of the repository. */
export function filesWith(endings: readonly string[], folder = '.'): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (LEFT_OUT.has(path)) return [];
    if (entry.isDirectory()) return filesWith(endings, path);
    return endings.includes(extname(entry.name)) ? [path] : [];
  });
}

export interface Heading {
  /** As a reader sees it, without marks. */
  readonly text: string;
  /** What comes after # in a link to it. */
  readonly anchor: string;
}

/** Blocks of code hold what only looks like a heading, a link or a path. */
export const withoutCodeBlocks = (text: string): string =>
  text.replaceAll(/^( *)(```+|~~~+)[\s\S]*?^\1\2 *$/gm, '');

const withoutMarks = (heading: string): string =>
  heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]|\b_|_\b/g, '');

/** As GitHub makes it: small letters, hyphens for spaces, no punctuation; a second one of a name has `-1`. */
export function headingsOf(text: string): Heading[] {
  const seen = new Map<string, number>();
  return [...withoutCodeBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, raw = '']) => {
    const heading = withoutMarks(raw);
    const plain = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(plain) ?? 0;
    seen.set(plain, count + 1);
    return { text: heading, anchor: count === 0 ? plain : `${plain}-${String(count)}` };
  });
}

/** Targets of all links and pictures of a page, except in code. */
export const linksOf = (text: string): string[] =>
  [...withoutCodeBlocks(text).matchAll(/(?:`[^`]*`)|\]\(([^()\s]+)\)/g)].flatMap(([, target]) =>
    target === undefined ? [] : [target],
  );

/** What follows `docs/PAGE.md` in a comment: the section's number, or its heading in quotes. */
export interface Cite {
  readonly page: string;
  readonly sections: readonly string[];
}

const SECTION = String.raw`"[^"]{1,60}"|'[^']{1,60}'|\d{1,2}(?:\.\d{1,2})?(?![\w.]\d)`;
const CITE = new RegExp(
  String.raw`(?<page>docs/[\w-]+\.md)(?<sections>(?:(?:,| and| –| to|, and)? (?:${SECTION}))*(?:,(?= ))?(?:(?:,| and| –| to|, and)? (?:${SECTION}))*)`,
  'g',
);

/** A comment that goes on in the next line, and a text that is joined from several. */
const joined = (text: string): string =>
  text.replaceAll(/\n[ \t]*(?:\*(?!\/)|\/\/|#|--)?[ \t]*/g, ' ');

export function citesOf(text: string): Cite[] {
  return [...joined(text).matchAll(CITE)].map(({ groups = {} }) => ({
    page: groups.page ?? '',
    sections: [...(groups.sections ?? '').matchAll(new RegExp(SECTION, 'g'))].map(([section]) =>
      section.replaceAll(/^["']|["']$/g, ''),
    ),
  }));
}

export const read = (path: string): string => readFileSync(path, 'utf8');
