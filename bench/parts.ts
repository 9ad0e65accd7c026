/** What all that is measured beside each other has in common. */
import { POINT_CODECS, type Protocol } from '../firmware-sim/codec.js';
import { configSchema } from '../src/gateway/config/schema.js';
import type { SerialConfig } from '../src/gateway/config/config.js';
import { pointsOf } from './frames.js';

/**
 * What can stand between the devices and NATS: this gateway, the gateway of
 * another checkout, the bare relay, this gateway with its outbox in memory, and
 * another program.
 */
export type Target = 'gateway' | 'baseline' | 'relay' | 'memory' | 'against';

/** Another program, as `--against` names it. */
export interface Against {
  /** For a shell. */
  readonly command: string;
  /** What its devices speak. */
  readonly protocol: Protocol;
}

/** Bytes of a MB. */
export const MB = 1024 * 1024;

/** Node of a link; of the same length for all targets. */
export const linkId = (target: Target, link: number): string =>
  `bench-${target.slice(0, 5)}-${String(link).padStart(2, '0')}`;

/** A message as the gateway publishes it for one point (docs/siot.md, 2.4). */
export function messagePayload(): Uint8Array {
  return POINT_CODECS.compact.encode(pointsOf(1, 1, BigInt(Date.now()) * 1_000_000n));
}

/** The port as the configuration has it by default. */
export function serialConfig(path: string): SerialConfig {
  const { links } = configSchema.parse({
    nats: { servers: 'nats://127.0.0.1' },
    stateDir: '.',
    links: [{ name: 'relay', transport: { type: 'serial', path } }],
  });
  return links[0]!.transport as SerialConfig;
}
