/** docs/configuration.md is what `npm run docs` makes of the schema now. */
import { resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { configJsonSchema } from '../../src/gateway/config/schema.js';
import { read } from './documents.js';

const PAGE = 'docs/configuration.md';

const { configurationPage } = (await import(resolve('tools', 'configuration-page.mjs'))) as {
  configurationPage(schema: object): string;
};

it('is made from the schema as it is: run `npm run docs` after a change', async () => {
  const style = await resolveConfig(PAGE);
  const page = await format(configurationPage(configJsonSchema()), { ...style, filepath: PAGE });
  expect(read(PAGE)).toBe(page);
});

/** Each key that may be written, however deep. */
function* keysOf(node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return;
  if ('properties' in node && typeof node.properties === 'object')
    yield* Object.keys(node.properties ?? {});
  for (const inner of Object.values(node)) yield* keysOf(inner);
}

it('has every key', () => {
  const keys = [...new Set(keysOf(configJsonSchema()))];
  const page = read(PAGE);
  const missing = keys.filter((key) => !new RegExp(`[\`.]${key}[\`.]`).test(page));
  expect(keys.length).toBeGreaterThan(60);
  // The type of a transport is the heading of its keys; a group is told by the keys in it.
  expect(missing.filter((key) => key !== 'tls')).toEqual([]);
});
