// Where kernel, modules and initramfs are kept between runs: outside of the
// repository, so that all checkouts share them.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { CannotRun } from './packages.mjs';

/** `XDG_CACHE_HOME` as its specification has it: a relative one does not count. */
export function cacheFolder({ env = process.env, home = homedir() } = {}) {
  const given = env.XDG_CACHE_HOME ?? '';
  return join(given.startsWith('/') ? given : join(home, '.cache'), 'siot-mcu-gateway', 'lab');
}

/** Changes with every file that decides what is in an entry. */
export function recipeOf(files) {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) {
    const text = readFileSync(file);
    hash.update(`${basename(file)} ${text.length}\n`).update(text);
  }
  return hash.digest('hex').slice(0, 12);
}

const COMPLETE = /^(linux-image-(\d.*?))_(.*)_([0-9a-f]{12})$/;

const byVersion = new Intl.Collator('en', { numeric: true }).compare;

/** The newest kernel's entry that this recipe has made; undefined: none yet. */
export function findEntry(folder, recipe) {
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder).filter((name) => COMPLETE.exec(name)?.[4] === recipe);
  const newest = names.sort(byVersion).at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}

/** Such as `6.1.0-56-amd64`. */
export const kernelOf = (entry) => COMPLETE.exec(basename(entry))?.[2];

/**
 * An entry appears whole or not at all: `make` fills a folder, and returns the
 * name of the kernel's package and its version.
 */
export async function makeEntry(folder, recipe, make) {
  let work;
  try {
    mkdirSync(folder, { recursive: true });
    work = mkdtempSync(join(folder, 'unfinished-'));
  } catch (error) {
    throw new CannotRun(
      `the lab's cache ${folder} cannot be written: ${error.message}; ` +
        'set XDG_CACHE_HOME to a folder that can be',
    );
  }
  const drop = () => rmSync(work, { recursive: true, force: true });
  process.once('exit', drop);
  try {
    const { name, version } = await make(work);
    const entry = join(folder, `${name}_${version}_${recipe}`);
    // Another run may have been quicker; what it made is as good.
    if (!existsSync(entry)) renameSync(work, entry);
    return entry;
  } finally {
    drop();
    process.removeListener('exit', drop);
  }
}
