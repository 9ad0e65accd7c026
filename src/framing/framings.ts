import type { Frame } from '../transport/frame.js';
import { cobs } from './cobs.js';
import type { Framing } from './framing.js';
import { isoTp } from './isotp/framing.js';
import type { IsoTpOptions } from './isotp/options.js';

export { ISO_TP_CLASSIC_LENGTH, ISO_TP_DEFAULTS } from './isotp/options.js';
export type { IsoTpOptions } from './isotp/options.js';
export { IsoTpTransport } from './isotp/framing.js';
export { IsoTpObserver } from './isotp/observer.js';
export type { ObservedPdu } from './isotp/observer.js';

interface Framings {
  readonly cobs: Framing<Uint8Array>;
  readonly isotp: Framing<Frame>;
}

/** All framings. A new one is a file and two lines here. */
export const FRAMINGS: Framings = { cobs, isotp: isoTp };

/** `framing` and `isotp` of a link in the configuration. */
export type FramingConfig =
  { readonly framing: 'cobs' } | { readonly framing: 'isotp'; readonly isotp: IsoTpOptions };
