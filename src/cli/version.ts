import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/** Version of this program. Only package.json states it. */
export const VERSION = version;
