/**
 * The payload of a `file` packet (docs/siot.md, 2.6):
 *
 * ```
 *  offset  size  field
 *  0       16    name, NUL padded
 *  16      4     index of the block from 0, int32, little-endian; −1: the file ends
 *  20      n     data, up to 400 bytes; none with −1
 *
 *  66772e62696e 00000000000000000000 00000000 68656c6c6f    fw.bin, block 0, "hello"
 *  66772e62696e 00000000000000000000 ffffffff               fw.bin, its end
 * ```
 */
import { readText } from './text.js';

/** Longest name of a file, bytes as UTF-8. */
export const FILE_NAME_LENGTH = 16;
/** Offset of the data in the payload. */
export const FILE_DATA_AT = FILE_NAME_LENGTH + 4;
/** Most bytes of data in a packet, as SIOT sends them. */
export const FILE_BLOCK_LENGTH = 400;
/** Index of the packet that ends a file. */
export const FILE_END = -1;

const NAME_RULE = `give a name of 1 to ${String(FILE_NAME_LENGTH)} bytes without slashes and control characters`;

/**
 * Why a name is none for a file that goes to a device or comes from one, for people;
 * `undefined`: it is good. Names become names of files on both sides.
 */
export function whyNotFileName(name: string): string | undefined {
  const shown = shownName(name);
  if (name === '') return `a file needs a name: ${NAME_RULE}`;
  if (name === '.' || name === '..') return `${shown} is the name of a folder: ${NAME_RULE}`;
  if (/[/\\\p{Cc}]/u.test(name)) {
    return `the name ${shown} has a slash or a control character: ${NAME_RULE}`;
  }
  const bytes = Buffer.byteLength(name);
  if (bytes > FILE_NAME_LENGTH) {
    return `the name ${shown} has ${String(bytes)} bytes: ${NAME_RULE}`;
  }
  // Half a surrogate pair would arrive as another name.
  return Buffer.from(name).toString() === name ? undefined : `${shown} is no UTF-8: ${NAME_RULE}`;
}

/** JSON leaves DEL and the controls from 0x80 as they are, and terminals act on those. */
function shownName(name: string): string {
  return JSON.stringify(name.slice(0, 40)).replaceAll(
    /\p{Cc}/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A block of a file, or its end. */
export interface FileBlock {
  readonly name: string;
  /** From 0; {@link FILE_END}. */
  readonly index: number;
  /** Shares its memory with the packet. */
  readonly data: Uint8Array;
}

/** `name`: a good one ({@link whyNotFileName}). */
export function fileBlockPayload({ name, index, data }: FileBlock): Uint8Array {
  const bytes = Buffer.alloc(FILE_DATA_AT + data.length);
  bytes.write(name, 0, FILE_NAME_LENGTH, 'utf8');
  bytes.writeInt32LE(index, FILE_NAME_LENGTH);
  bytes.set(data, FILE_DATA_AT);
  return bytes;
}

/** `undefined`: it is too short. The name is as it came. Never throws. */
export function parseFileBlock(payload: Uint8Array): FileBlock | undefined {
  if (payload.length < FILE_DATA_AT) return undefined;
  let end = FILE_NAME_LENGTH;
  while (end > 0 && payload[end - 1] === 0) end--;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  return {
    name: readText(payload, 0, end),
    index: bytes.readInt32LE(FILE_NAME_LENGTH),
    data: payload.subarray(FILE_DATA_AT),
  };
}
