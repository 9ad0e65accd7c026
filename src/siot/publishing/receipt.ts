/**
 * What a store's answer to a publish means (docs/siot.md, 4.4 and 4.10;
 * docs/contract.md, "Delivered").
 */
type Receipt =
  | { readonly kind: 'delivered' }
  /** Final: SIOT will never accept the point's type or key. */
  | { readonly kind: 'forbidden'; readonly text: string }
  /** Perhaps a store of another generation answers now. */
  | { readonly kind: 'undecodable'; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

/** Determines the kind of an answer by its text. */
export function readReceipt(answer: Uint8Array): Receipt {
  if (answer.length === 0) return { kind: 'delivered' };
  const length = Math.min(answer.length, MOST_BYTES);
  const text = Buffer.from(answer.buffer, answer.byteOffset, length).toString('utf8').trim();
  if (FORBIDDEN.test(text)) return { kind: 'forbidden', text };
  if (UNDECODABLE.test(text)) return { kind: 'undecodable', text };
  return { kind: 'refused', text };
}

/** Bytes of an answer that are read. Types and keys in it have 255 bytes at most. */
const MOST_BYTES = 4_096;

/** `node dev-4: point type "a.b" contains ".", which is not allowed in a point type` */
const FORBIDDEN = /contains .+not allowed in a point (type|key)/is;

/** `error decoding node points subject`, `Error decoding points proto: …` */
const UNDECODABLE = /error decoding|decode error|failed to decode/i;
