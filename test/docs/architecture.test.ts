/** docs/architecture.md names only what the code has: a newcomer looks for these words. */
import { expect, it } from 'vitest';
import { filesWith, read } from './documents.js';

const page = read('docs/architecture.md');
const code = filesWith(['.ts', '.mjs'])
  .filter((path) => /^(?:src|test\/architecture\.test\.ts|test\/session)/.test(path))
  .map(read)
  .join('\n');
const words = new Set(code.match(/\w+/g));

it('names only classes, types and tables that exist', () => {
  const marked = [...page.matchAll(/`([A-Z]\w+)(?:\.\w+\(?\)?)?`/g)].map(([, name = '']) => name);
  // In the diagram, too, where nothing is marked.
  const inDiagrams = page.match(/\b[A-Z][a-z]+[A-Z]\w+\b/g) ?? [];
  const named = new Set([...marked, ...inDiagrams]);
  expect(named.size).toBeGreaterThan(30);
  expect([...named].filter((name) => !words.has(name))).toEqual([]);
});

it('names only methods that exist', () => {
  const named = [...page.matchAll(/`(?:[A-Z]\w+\.)?([a-z]\w+)\([^`]*\)`/g)].map(
    ([, name]) => name ?? '',
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !words.has(name))).toEqual([]);
});

it('has a part for each thing that can be added', () => {
  const parts = [...page.matchAll(/^### (.+)$/gm)].map(([, part]) => part);
  for (const part of [
    'Packet subject',
    'Transport',
    'Framing',
    'Payload codec',
    'Device protocol',
    'SIOT generation',
    'Verb',
    'Service',
    'Metric or counter',
    'Command',
    'Configuration key',
  ])
    expect(parts).toContain(part);
});
