/**
 * Tokens of NATS subjects (docs/siot.md, 1.6): types, keys and node IDs must be
 * usable as one.
 */

/** Longest type, key or node ID, bytes of UTF-8. A server drops the connection on a subject above 4,096 bytes. */
export const MAX_TOKEN_BYTES = 255;

// SIOT from 0.23.2 refuses `.`, `*`, `>`, space, tab, CR and LF. The other control
// characters are refused here too: NATS clients and web pages handle them badly.
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[.*> \u0000-\u001f\u007f]/;

/** Why a word cannot be a subject token; `undefined` if it can. */
export type TokenProblem = 'empty' | 'forbiddenCharacter' | 'tooLong';

/** `undefined`: the text can be a token. */
export function tokenProblem(token: string): TokenProblem | undefined {
  if (token === '') return 'empty';
  if (FORBIDDEN.test(token)) return 'forbiddenCharacter';
  return isTooLong(token) ? 'tooLong' : undefined;
}

/** Whether a text has more than {@link MAX_TOKEN_BYTES}. */
export function isTooLong(token: string): boolean {
  // UTF-8 needs at most 3 bytes for each UTF-16 unit.
  return token.length * 3 > MAX_TOKEN_BYTES && Buffer.byteLength(token) > MAX_TOKEN_BYTES;
}

/** As {@link tokenProblem} for a key, which may be blank: it is sent as `0`. */
export function keyProblem(key: string): TokenProblem | undefined {
  return key === '' ? undefined : tokenProblem(key);
}
