/** The checkout, from the sources and from dist/ alike. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'));

export const inCheckout = (...path: readonly string[]): string => join(ROOT, ...path);
