// Which tests `npm test` is asked for, and what they need of the set-up.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ROOT } from './setup-common.mjs';

/** Options of vitest that take the next argument for their value. */
const WITH_VALUE = new Set([
  ...['-t', '--testNamePattern', '--reporter', '--outputFile', '--bail', '--retry', '--shard'],
  ...['--pool', '--maxWorkers', '--testTimeout', '--hookTimeout', '--teardownTimeout'],
  ...['--exclude', '--project', '--dir', '-r', '--root', '-c', '--config', '--mode', '--changed'],
]);

/** Options that choose tests by something else than their file. */
const CHOOSES = /^(?:-t|--testNamePattern|--changed)(?:=|$)/;

/** The filters of vitest among its arguments: parts of the paths of files. */
export function filtersOf(args) {
  return args.filter((arg, at) => !arg.startsWith('-') && !WITH_VALUE.has(args[at - 1]));
}

/** Whether only some tests are asked for. */
export const isSelection = (args) =>
  filtersOf(args).length > 0 || args.some((arg) => CHOOSES.test(arg));

const testFiles = (root) =>
  readdirSync(join(root, 'test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts') && !path.startsWith(`lab${sep}`))
    .map((path) => join(root, 'test', path));

/** As vitest does: the filter is a part of the path, with or without a line at its end. */
function matches(root, file, filter) {
  const plain = filter.replace(/:\d+$/, '').replace(/^\.\//, '');
  return relative(root, file).includes(plain) || file.startsWith(resolve(root, plain));
}

const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

/** The files, with all files of tests that they import. */
function withImports(root, files) {
  const seen = new Map();
  const rest = [...files];
  for (let file = rest.pop(); file !== undefined; file = rest.pop()) {
    if (seen.has(file)) continue;
    const text = readFileSync(file, 'utf8');
    seen.set(file, text);
    for (const [, path] of text.matchAll(IMPORT)) {
      const imported = resolve(dirname(file), path.replace(/\.js$/, '.ts'));
      if (imported.startsWith(join(root, 'test', sep)) && existsSync(imported)) rest.push(imported);
    }
  }
  return [...seen.values()];
}

/**
 * What these tests need: the built programs (`build`), which they name by `dist`, and nats-server.
 * Undefined: everything is asked for. Where a filter fits no file, all is taken to be needed.
 */
export function needsOf(args, root = ROOT) {
  if (!isSelection(args)) return undefined;
  const all = testFiles(root);
  const filters = filtersOf(args);
  const chosen = all.filter((file) => filters.some((filter) => matches(root, file, filter)));
  const everyFilterFits = filters.every((filter) =>
    all.some((file) => matches(root, file, filter)),
  );
  if (filters.length === 0 || !everyFilterFits) return { build: true, natsServer: true };
  const texts = withImports(root, chosen);
  const build = texts.some((text) => /['"`/]dist\b/.test(text));
  return { build, natsServer: build || texts.some((text) => text.includes('nats-server')) };
}
