import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The gateway's own ID, kept in `stateDir`; `undefined` before its first start. */
export function readGatewayId(stateDir: string): string | undefined {
  try {
    const kept: unknown = JSON.parse(readFileSync(join(stateDir, 'gateway.json'), 'utf8'));
    if (typeof kept !== 'object' || kept === null || !('id' in kept)) return undefined;
    return typeof kept.id === 'string' ? kept.id : undefined;
  } catch {
    return undefined;
  }
}
