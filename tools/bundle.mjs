// dist/src/cli/main.js with all that it imports in few files. Node finds and reads a module in some
// 0.5 ms and keeps some 50 KB for it, and there would be seven hundred of them.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, say } from './setup-common.mjs';

const PROGRAM = join(ROOT, 'src', 'cli', 'main.ts');
const FOLDER = join(ROOT, 'dist', 'src', 'cli');
/** What a command loads only when it is asked for; in {@link FOLDER}. */
const PARTS = 'parts';
/** Of the packages that are in the files. */
const LICENCES = join(FOLDER, 'main.js.LICENSE.txt');

/** Packages with a part that is compiled for the machine, which they find beside themselves. */
const OUTSIDE = [/^koffi$/, /^@serialport\/bindings-cpp$/, /^@lydell\/node-pty/];

/** Takes the place of what the compiler has written for main.ts. Throws an Error where a source is wrong. */
export async function bundle() {
  // npm installs no compiled part of it for Node 20 before 20.19 and 22 before 22.12.
  const bundler = await import('rolldown').catch(() => undefined);
  if (bundler === undefined) {
    say('rolldown cannot be loaded: the program works, starts more slowly and takes more memory');
    return;
  }
  rmSync(join(FOLDER, 'main.js'), { force: true });
  rmSync(join(FOLDER, PARTS), { recursive: true, force: true });
  const one = await bundler.rolldown({
    cwd: ROOT,
    input: { main: PROGRAM },
    platform: 'node',
    external: OUTSIDE,
    logLevel: 'warn',
  });
  try {
    const { output } = await one.write({
      dir: FOLDER,
      format: 'esm',
      sourcemap: true,
      comments: false,
      chunkFileNames: `${PARTS}/[name]-[hash].js`,
    });
    for (const { type, fileName, code } of output) {
      if (type === 'chunk') writeFileSync(join(FOLDER, fileName), inAscii(code));
    }
    writeFileSync(LICENCES, licencesOf(output));
  } finally {
    await one.close();
  }
}

/**
 * The same code. V8 keeps the text of a file as long as the program runs, with two bytes a
 * character where one is beyond Latin-1. Without comments all such characters are in texts and in
 * regular expressions, whose escapes are the same.
 */
const inAscii = (code) =>
  code.replaceAll(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The licences of all packages of which something is in the files. */
function licencesOf(output) {
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds);
  const folders = modules.map((path) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const packages = [...new Set(folders.filter((folder) => folder !== undefined))].sort();
  return packages.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md', 'LICENCE', 'license', 'LICENSE.txt']
    .map((one) => join(folder, one))
    .find((path) => existsSync(path));
  const text = file === undefined ? '' : `\n${readFileSync(file, 'utf8').trim()}\n`;
  return `${name} ${version}: ${license}\n${text}`;
}
