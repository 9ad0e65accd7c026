import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/** Of this program; stated once, in package.json. */
export const VERSION = version;
