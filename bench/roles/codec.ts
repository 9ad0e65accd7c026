/** Measures the codecs of a built checkout, in a process that has done nothing else. */
import type { measureCodecs } from '../codec.js';
import { serve } from './serve.js';

/** Arguments of `measure`. */
export interface CodecArgs {
  /** URL of the built `bench/codec.js` of that checkout. */
  readonly module: string;
  readonly seconds: number;
}

serve({
  measure: async ({ module, seconds }: CodecArgs): Promise<unknown> => {
    const built = (await import(module)) as { measureCodecs: typeof measureCodecs };
    return built.measureCodecs(seconds, 1);
  },
});
