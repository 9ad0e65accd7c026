import { isMended, readText, textLength, writeText } from '../../../src/packet/text.js';
import { TYPES } from '../inputs.js';
import { agree, type FuzzTarget } from '../target.js';

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** As a deframer has: what stood in it is gone with the next frame. */
const frame = Buffer.alloc(256);

/** Bytes of a device to text, mended where they are not UTF-8, and text to bytes. */
export const textTarget: FuzzTarget = {
  name: 'text',
  files: ['src/packet/text.ts'],
  maxLength: 200,
  words: [
    '\ufffd',
    '\ufeff',
    '\u{1f600}',
    Uint8Array.of(0xc0, 0x80),
    Uint8Array.of(0xed, 0xa0, 0x80),
  ],
  corpus: () => TYPES.map((text) => Uint8Array.from(Buffer.from(text))),
  check: (input) => {
    // It stands somewhere inside a packet.
    const around = frame;
    around.set([0xc3, 0xf0, ...input, 0x80, 0x80]);
    const text = readText(around, 2, input.length);
    agree('text, and by the platform', text, lenient.decode(input));
    agree('text, when known already', readText(input, 0, input.length), text);
    agree('mended', isMended(text, around, 2, input.length), !isUtf8(input));

    const length = textLength(text);
    agree('length', length, new TextEncoder().encode(text).length);
    const written = Buffer.alloc(length + 2, 0xaa);
    writeText(written, 1, text, length);
    agree('written', written.subarray(1, -1), Buffer.from(text));
    agree('written no further', [written[0], written.at(-1)], [0xaa, 0xaa]);
  },
};
