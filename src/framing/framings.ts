import { cobs } from './cobs.js';
import type { Framing } from './framing.js';

/** All framings. One more is one file and one line here. */
export const FRAMINGS: Readonly<Record<'cobs', Framing>> = { cobs };
