// From sources to programs: build/proto and dist, each only where sources have changed.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { bundle, PROGRAM } from './bundle.mjs';
import { runChild } from './children.mjs';
import { readOr, ROOT, runStep, say, SetupError } from './setup-common.mjs';

const SOURCE_FOLDERS = ['src', 'firmware-sim', 'test', 'bench', 'proto'];
const SOURCE_FILES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  // What makes dist of the others.
  'tools/build.mjs',
  'tools/bundle.mjs',
  'tools/licences.mjs',
];

const inRoot = (...path) => join(ROOT, ...path);
/** Of the sources of the last build that was checked whole. */
const BUILD_STAMP = inRoot('dist', '.build-stamp');
/** The sources, a line each, as they were when dist was last written. */
const WRITTEN_STAMP = inRoot('dist', '.written-stamp');

/** With more changed files than these, the build that checks them takes no longer. */
const AT_MOST_ALONE = 200;

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** A line for each source file, which is another one whenever the file is written. */
function stateOfSources() {
  const files = SOURCE_FOLDERS.map((folder) => inRoot(folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [...filesBelow(folder)]);
  return [...files, ...SOURCE_FILES.map((file) => inRoot(file))].sort().map((file) => {
    const { mtimeMs, size } = statSync(file);
    return `${relative(ROOT, file)} ${mtimeMs} ${size}`;
  });
}

const hashOf = (lines) => createHash('sha256').update(lines.join('\n')).digest('hex');

/** Makes build/proto, without which no source can be loaded. */
export const makeProtoCode = () =>
  runStep('making code from the .proto files', process.execPath, [inRoot('proto', 'generate.mjs')]);

/** What belongs to a build besides the compiled files. */
async function finish() {
  // The compiler does not write it again while its source is the same.
  if (!(await bundle())) await transpile([PROGRAM]);
  // A link to it on the PATH is how it is installed (README.md); npm does this for packages alone.
  chmodSync(inRoot('dist', 'src', 'cli', 'main.js'), 0o755);
  await runStep('writing the JSON Schema', process.execPath, [
    inRoot('dist', 'src', 'cli', 'write-schema.js'),
  ]);
}

/** Compiles and checks all; with `errorsTolerated` errors of types are only told. */
export async function build(errorsTolerated) {
  const sources = stateOfSources();
  const wanted = hashOf(sources);
  if (readOr(BUILD_STAMP, '') === wanted) return;
  say('building');
  await makeProtoCode();
  const status = await runChild(
    process.execPath,
    [inRoot('node_modules', 'typescript', 'bin', 'tsc'), '-p', inRoot('tsconfig.json')],
    { stdio: ['ignore', 2, 2] },
  );
  // The compiler writes its output in spite of type errors; the tests report them.
  if (status !== 0 && !(errorsTolerated && status === 2)) {
    throw new SetupError(`the TypeScript compiler failed (exit status ${status}), see above`);
  }
  await finish();
  writeFileSync(WRITTEN_STAMP, sources.join('\n'));
  if (status === 0) writeFileSync(BUILD_STAMP, wanted);
}

/**
 * Makes the programs run as the sources say, in a tenth of the time: only files that have changed
 * are compiled, and types are not checked.
 */
export async function buildWithoutTypes() {
  const sources = stateOfSources();
  const written = new Set(readOr(WRITTEN_STAMP, '').split('\n'));
  const changed = sources.filter((line) => !written.has(line));
  const files = changed
    .map((line) => line.split(' ')[0])
    .filter((file) => /\.ts$/.test(file) && !file.endsWith('.d.ts'));
  if (files.length > AT_MOST_ALONE) return build(true);
  await makeProtoCode();
  if (changed.length === 0) return;
  say(
    `building ${files.length} ${files.length === 1 ? 'file' : 'files'}, without a check of types`,
  );
  // The compiler believes that dist holds what it last wrote itself: without its notes it
  // writes everything anew.
  rmSync(inRoot('dist', '.tsbuildinfo'), { force: true });
  await transpile(files);
  await finish();
  writeFileSync(WRITTEN_STAMP, sources.join('\n'));
}

async function transpile(files) {
  const { default: ts } = await import('typescript');
  const { config } = ts.readConfigFile(inRoot('tsconfig.json'), ts.sys.readFile);
  const { target, verbatimModuleSyntax } = config.compilerOptions;
  // Every source is a module of ECMAScript, which one that is compiled alone does not know.
  const compilerOptions = { target, verbatimModuleSyntax, module: 'esnext', sourceMap: true };
  const problems = [];
  for (const file of files) {
    const compiled = inRoot('dist', file.replace(/\.ts$/, '.js'));
    const { outputText, sourceMapText, diagnostics } = ts.transpileModule(
      readFileSync(inRoot(file), 'utf8'),
      { compilerOptions, fileName: file, reportDiagnostics: true },
    );
    problems.push(...diagnostics);
    mkdirSync(dirname(compiled), { recursive: true });
    writeFileSync(compiled, outputText);
    const sources = [relative(dirname(compiled), inRoot(file))];
    writeFileSync(`${compiled}.map`, JSON.stringify({ ...JSON.parse(sourceMapText), sources }));
  }
  if (problems.length === 0) return;
  const host = {
    getCurrentDirectory: () => ROOT,
    getCanonicalFileName: basename,
    getNewLine: () => '\n',
  };
  throw new SetupError(ts.formatDiagnostics(problems, host));
}
