/**
 * What may become a token of a NATS subject (docs/siot.md, 1.6), and so
 * what a type, a key or a node ID may look like.
 */

/** Longest type or key, in bytes of UTF-8. A subject above 4,096 bytes makes a server drop the connection. */
export const MAX_TOKEN_BYTES = 255;

// SIOT from 0.23.2 refuses these seven; NUL and the other control characters
// are refused here too, since no NATS client or page handles them well.
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[.*> \u0000-\u001f\u007f]/;

/** Why a word cannot be a subject token; `undefined` if it can. */
export type TokenProblem = 'empty' | 'forbiddenCharacter' | 'tooLong';

export function tokenProblem(token: string): TokenProblem | undefined {
  if (token === '') return 'empty';
  if (FORBIDDEN.test(token)) return 'forbiddenCharacter';
  return isTooLong(token) ? 'tooLong' : undefined;
}

export function isTooLong(token: string): boolean {
  // UTF-8 needs at most 3 bytes for each UTF-16 unit.
  return token.length * 3 > MAX_TOKEN_BYTES && Buffer.byteLength(token) > MAX_TOKEN_BYTES;
}

/** As {@link tokenProblem}, for a key: a blank one is sent as `0`. */
export function keyProblem(key: string): TokenProblem | undefined {
  return key === '' ? undefined : tokenProblem(key);
}
