import { generation1 } from './generation1.js';
import { generation2 } from './generation2.js';
import type { Generation, SiotWire } from './wire.js';

/** The wire of every generation of SIOT. A new generation is one line here. */
export const WIRES: Readonly<Record<Generation, SiotWire>> = { 1: generation1, 2: generation2 };
