/**
 * Consistent Overhead Byte Stuffing (docs/siot.md, 2.1).
 *
 * Each block is a code byte c and c − 1 bytes other than zero; a zero stands
 * between blocks unless the one before is full (c = ff).
 * `11 22 00 33` ⇄ `03 11 22 | 02 33`, on the wire between two `00`.
 */

const FULL = 0xff;

/** A packet as it is written to the line: `00`, the encoded bytes, `00`. */
export function encodeFrame(packet: Uint8Array): Uint8Array {
  const out: number[] = [0];
  let block: number[] = [];
  let open = true;
  for (const byte of packet) {
    open = true;
    if (byte !== 0) block.push(byte);
    if (byte === 0 || block.length === FULL - 1) {
      // A full block has no zero after it, so nothing has to follow it at the end.
      open = byte === 0;
      out.push(block.length + 1, ...block);
      block = [];
    }
  }
  if (open) out.push(block.length + 1, ...block);
  out.push(0);
  return Uint8Array.from(out);
}

/** Each block of an encoded frame, without delimiters; `undefined` if a code points past the end. */
function blocksOf(encoded: Uint8Array): Uint8Array[] | undefined {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < encoded.length;) {
    const code = encoded[at] ?? 0;
    if (code === 0 || at + code > encoded.length) return undefined;
    blocks.push(encoded.subarray(at + 1, at + code));
    at += code;
  }
  return blocks;
}

function join(blocks: readonly Uint8Array[], zeroAfter: (index: number) => boolean): Uint8Array {
  const out: number[] = [];
  blocks.forEach((block, index) => {
    out.push(...block);
    if (index < blocks.length - 1 && zeroAfter(index)) out.push(0);
  });
  return Uint8Array.from(out);
}

const isFull = (block: Uint8Array | undefined): boolean => block?.length === FULL - 1;

/** Bytes between two delimiters, decoded; `undefined` when they are malformed. */
export function decodeCobs(encoded: Uint8Array): Uint8Array | undefined {
  const blocks = blocksOf(encoded);
  return blocks === undefined ? undefined : join(blocks, (index) => !isFull(blocks[index]));
}

/** Most full blocks whose combinations are tried; 1,024 bytes hold 4. */
const MOST_REPAIRS = 6;

/**
 * Decodings with zeros that SIOT's encoder has lost. It loses a zero after a run of a
 * multiple of 254 bytes (docs/siot.md, 2.1, defect 3), so one may follow each full
 * block but the last. The caller checks them by the CRC. The result of
 * {@link decodeCobs} is not among them.
 */
export function* repairedDecodings(encoded: Uint8Array): Generator<Uint8Array> {
  const blocks = blocksOf(encoded);
  if (blocks === undefined) return;
  const full = blocks.flatMap((block, i) => (isFull(block) && i < blocks.length - 1 ? [i] : []));
  if (full.length > MOST_REPAIRS) return;
  for (let choice = 1; choice < 1 << full.length; choice += 1) {
    const chosen = new Set(full.filter((_, bit) => (choice & (1 << bit)) !== 0));
    yield join(blocks, (index) => !isFull(blocks[index]) || chosen.has(index));
  }
}
