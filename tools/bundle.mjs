// dist/src/cli/main.js with all that it imports in few files. Node finds and reads a module in some
// 0.5 ms and keeps some 50 KB for it, and there would be seven hundred of them.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { licencesOf } from './licences.mjs';
import { ROOT, say } from './setup-common.mjs';

/** In the checkout. */
export const PROGRAM = 'src/cli/main.ts';
const FOLDER = join(ROOT, 'dist', 'src', 'cli');
/** What a command loads only when it is asked for; in {@link FOLDER}. */
const PARTS = 'parts';
/** Of the packages that are in the files. */
const LICENCES = join(FOLDER, 'main.js.LICENSE.txt');

/** Packages with a part that is compiled for the machine, which they find beside themselves. */
const OUTSIDE = [/^koffi$/, /^@serialport\/bindings-cpp$/, /^@lydell\/node-pty/];

/**
 * Takes the place of what the compiler has written for {@link PROGRAM}. Returns whether it does:
 * where there is no rolldown, the older bundle is removed and main.js is to be compiled again.
 * Throws an Error where a source is wrong, or where the licence of a package is not known.
 */
export async function bundle() {
  for (const old of ['main.js', 'main.js.map', PARTS]) {
    rmSync(join(FOLDER, old), { recursive: true, force: true });
  }
  rmSync(LICENCES, { force: true });
  const bundler = await rolldownOrNothing();
  if (bundler === undefined) return false;
  const one = await bundler.rolldown({
    cwd: ROOT,
    input: { main: join(ROOT, PROGRAM) },
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
    writeFileSync(LICENCES, licencesOf(output.flatMap(({ moduleIds = [] }) => moduleIds)));
    return true;
  } finally {
    await one.close();
  }
}

/** npm installs no compiled part of it for Node 20 before 20.19 and 22 before 22.12. */
async function rolldownOrNothing() {
  try {
    return await import('rolldown');
  } catch (error) {
    const [reason] = String(error?.message ?? error).split('\n');
    say(`rolldown cannot be loaded: ${reason}`);
    say('the program works without it, starts more slowly and takes more memory');
    return undefined;
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
