import { cobs } from './cobs.js';
import type { Framing } from './framing.js';
import { isoTp } from './isotp/framing.js';
import type { IsoTpOptions } from './isotp/options.js';

export { ISO_TP_CLASSIC_LENGTH, ISO_TP_DEFAULTS } from './isotp/options.js';
export type { IsoTpOptions } from './isotp/options.js';

/** Framings that need to be told nothing. One more is one file and one line here. */
export const FRAMINGS: Readonly<Record<'cobs', Framing>> = { cobs };

/** A framing as it stands in the configuration. */
export type FramingConfig =
  { readonly framing: 'cobs' } | { readonly framing: 'isotp'; readonly isotp: IsoTpOptions };

export function createFraming(config: FramingConfig): Framing {
  switch (config.framing) {
    case 'cobs':
      return FRAMINGS.cobs;
    case 'isotp':
      return isoTp(config.isotp);
  }
}
