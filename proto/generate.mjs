// Makes build/proto/<name>.js and .d.ts from each .proto beside this file.
// Nothing generated is committed; `#proto/<name>.js` finds it from the sources
// and from dist/ alike.
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'build', 'proto');
mkdirSync(out, { recursive: true });

const newerThan = (file, than) => {
  try {
    return statSync(file).mtimeMs > statSync(than).mtimeMs;
  } catch {
    return false;
  }
};

for (const name of readdirSync(here)) {
  if (!name.endsWith('.proto')) continue;
  const source = join(here, name);
  const base = join(out, name.slice(0, -'.proto'.length));
  if (newerThan(`${base}.js`, source) && newerThan(`${base}.d.ts`, source)) continue;
  const { default: cli } = await import('protobufjs-cli');
  await promisify(cli.pbjs.main)([
    '-t',
    'static-module',
    '-w',
    'esm',
    '--es6',
    '--no-create',
    '--no-verify',
    '--no-convert',
    '--no-delimited',
    '--no-service',
    '-o',
    `${base}.js`,
    source,
  ]);
  await promisify(cli.pbts.main)(['-o', `${base}.d.ts`, `${base}.js`]);
}
