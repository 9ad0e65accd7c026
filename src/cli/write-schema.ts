// Part of the build: puts the published JSON Schema beside the built program.
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../gateway/config/schema.js';

const target = new URL('../../gateway.schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
