/**
 * Text as SIOT's server keeps it: whatever bytes came, also those that are not
 * UTF-8. A byte that is no part of UTF-8 is kept as the lone surrogate
 * U+DC00 + byte, which no decoded text can contain, so that strings compare as
 * their bytes do and give the same bytes back.
 */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
const ESCAPE = 0xdc00;

export function decodeText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (!text.includes('\ufffd')) return text;
  return isUtf8(bytes) ? text : escaped(bytes);
}

export function encodeText(text: string): Buffer {
  if (isClean(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const escape = code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff;
    parts.push(escape ? Buffer.of(code - ESCAPE) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** Whether the text came as UTF-8: protobuf's encoder refuses any other (4.5). */
export function isClean(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const NAMED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Text in quotes, escaped as in the store's error texts (4.10). */
export function quoted(text: string): string {
  let out = '"';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const named = NAMED[character];
    if (named !== undefined) out += named;
    else if (code < 0x20 || code === 0x7f) out += `\\x${hex(code, 2)}`;
    else if (code >= 0xd800 && code <= 0xdfff) out += `\\x${hex(code - ESCAPE, 2)}`;
    else if (code < 0x7f || PRINTABLE.test(character)) out += character;
    else out += code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  }
  return `${out}"`;
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

// One well-formed sequence is taken at a time; what is in none is escaped.
function escaped(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceAt(bytes, at);
    if (length === 0) {
      out += String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
      at += 1;
    } else {
      out += strict.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return out;
}

function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
