// Makes the pages in docs/ that come from the code: `npm run docs`.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { configurationPage } from './configuration-page.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const schema = JSON.parse(readFileSync(join(ROOT, 'dist', 'gateway.schema.json'), 'utf8'));
const target = join(ROOT, 'docs', 'configuration.md');
const style = await resolveConfig(target);
writeFileSync(target, await format(configurationPage(schema), { ...style, filepath: target }));
