/** Reads files that people name; each failure has a message for people. */
import { closeSync, openSync, readSync } from 'node:fs';
import { codeOf, reasonOf } from '../gateway/state/disk.js';
import { whyDenied } from './permissions.js';

/** Maximum number of bytes of a CAN database. The largest in use have some megabytes. */
export const MAX_DATABASE_BYTES = 67_108_864;

/** A file cannot be read, or is not what it should be. */
export class TextFileError extends Error {
  override readonly name = 'TextFileError';
  constructor(
    /** What is wrong and what to do, without the file's name. */
    readonly why: string,
    /** Line of the file, from 1; 1 if it is not known. */
    readonly line = 1,
    options?: { cause?: unknown },
  ) {
    super(why, options);
  }
}

/** The text of a file or pipe of at most `maxBytes`, which must be UTF-8. Throws a {@link TextFileError}. */
export function readTextFile(file: string, maxBytes: number): string {
  const bytes = readFileBytes(file, maxBytes);
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new TextFileError('is in UTF-16; save it as UTF-8');
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    const text = decoder.decode(bytes);
    const nul = text.indexOf('\0');
    if (nul === -1) return text;
    const line = text.slice(0, nul).split('\n').length;
    throw new TextFileError('is no text file: it has a NUL byte', line);
  } catch (cause) {
    if (cause instanceof TextFileError) throw cause;
    const line = lineOfBadBytes(bytes);
    throw new TextFileError('has bytes that are no UTF-8; save it as UTF-8', line, { cause });
  }
}

/** The bytes of a file or pipe, for texts in other encodings. Throws a {@link TextFileError}. */
export function readFileBytes(file: string, maxBytes: number): Buffer {
  const bytes = readBytes(file, maxBytes);
  if (bytes.length <= maxBytes) return bytes;
  throw new TextFileError(`is larger than ${maxBytes} bytes; is it the right file?`);
}

function readBytes(file: string, maxBytes: number): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } catch (cause) {
    throw new TextFileError(whyUnreadable(file, cause), 1, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Why a file cannot be read and what to do, without its name. `cause`: what the system said. */
export function whyUnreadable(file: string, cause: unknown): string {
  const code = codeOf(cause);
  switch (code) {
    case 'ENOENT':
      return 'does not exist; check the name';
    case 'ENOTDIR':
      return 'does not exist: a part of its path is no folder; check the name';
    case 'EACCES':
    case 'EPERM':
      return whyDenied(file);
    case 'EISDIR':
      return 'is a folder; name a file';
    default:
      return `cannot be read: ${reasonOf(cause)}`;
  }
}

function lineOfBadBytes(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const part = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (!Buffer.from(part.toString('utf8'), 'utf8').equals(part)) return line;
    if (end === -1) break;
    start = end + 1;
  }
  return line;
}
