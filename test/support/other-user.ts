import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A user, and a group, to whom nothing belongs. */
export const NOBODY = 65_534;

function isReadableByAll(path: string): boolean {
  for (let at = path; at !== '/'; at = dirname(at)) {
    if ((statSync(at).mode & 0o005) === 0) return false;
  }
  return true;
}

/** Only root may become another user, who must get to the program. */
export const mayBeAnotherUser = (): boolean =>
  process.getuid?.() === 0 && isReadableByAll(resolve('dist/src/cli'));
