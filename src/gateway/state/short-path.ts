import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** The kernel takes no longer path of a socket, bytes (`sun_path` in unix(7), without its last zero). */
const LONGEST_SOCKET_PATH = 107;
/** Left for names in the folder. */
const NAME_BYTES = 32;

/**
 * Calls `use` with a path of the folder that is short enough for a socket in it, and
 * that is valid during the call.
 */
export async function withShortPath<T>(
  folder: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (Buffer.byteLength(folder) + NAME_BYTES <= LONGEST_SOCKET_PATH) return use(folder);
  const opened = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await use(join('/proc/self/fd', String(opened.fd)));
  } finally {
    await opened.close();
  }
}
