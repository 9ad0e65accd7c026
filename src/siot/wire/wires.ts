import { generation1 } from './generation1.js';
import { generation2 } from './generation2.js';
import type { Generation, SiotWire } from './wire.js';

/** Every generation of SIOT's wire; a new one is one line here. */
export const WIRES: Readonly<Record<Generation, SiotWire>> = { 1: generation1, 2: generation2 };
