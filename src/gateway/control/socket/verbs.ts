import { followVerb } from '../verbs/follow.js';
import { rawVerb } from '../verbs/raw.js';
import type { StreamVerb } from '../verbs/verb.js';
import { VERBS } from '../verbs/verbs.js';

/**
 * The verbs of the socket: those of all faces, and a line for each whose answers go on
 * until its asker goes away. NATS cannot tell when that is.
 */
export const SOCKET_VERBS = {
  ...VERBS,
  raw: rawVerb,
  follow: followVerb,
} satisfies Readonly<Record<string, StreamVerb>>;

/** `verb` of a request. */
export type SocketVerb = keyof typeof SOCKET_VERBS;
