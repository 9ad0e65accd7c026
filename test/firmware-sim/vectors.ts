import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A point as vectors.json writes it; numbers that JSON cannot hold are read as text. */
export interface VectorPoint {
  readonly type: string;
  readonly key?: string;
  readonly time?: string | null;
  readonly value?: number;
  readonly text?: string;
  readonly dataType?: number;
  readonly data_hex?: string;
  readonly origin?: string;
}

export interface Vector {
  readonly name: string;
  readonly generation: 'gen1' | 'gen2' | 'both';
  readonly kind: 'crc' | 'cobs' | 'cobs-defect' | 'serial-packet' | 'nats' | 'shell';
  readonly hex: string;
  readonly frame_hex?: string;
  readonly decoded: {
    readonly seq?: number;
    readonly subject?: string;
    readonly payload_hex?: string;
    readonly crc?: string | null;
    readonly points?: readonly VectorPoint[];
    readonly raw_hex?: string;
    readonly intended_raw_hex?: string;
    readonly decodes_to_hex?: string;
    readonly text?: string;
  };
}

// Found from the sources and from dist/ alike.
const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'));
const FILE = join(ROOT, 'test', 'vectors', 'vectors.json');

export function loadVectors(): readonly Vector[] {
  // Times in ns are beyond 2^53: quoted before JSON.parse can round them.
  const text = readFileSync(FILE, 'utf8').replace(/("time": )(-?\d{16,})/g, '$1"$2"');
  return (JSON.parse(text) as { vectors: Vector[] }).vectors;
}

export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
