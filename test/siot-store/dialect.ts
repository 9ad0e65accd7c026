/** What differs at the subjects between the versions (docs/siot.md, 4.2, 6). */
import { decodeCompact, encodeCompact } from './codec-compact.js';
import { decodeProtobuf, encodeProtobuf } from './codec-protobuf.js';
import type { Database } from './database.js';
import { JetStreamDatabase } from './jetstream.js';
import { typedNumber, typedText, type Content, type StorePoint } from './point.js';
import { SqliteDatabase } from './sqlite.js';

export const VERSIONS = ['0.18.5', '0.22.0', '0.25.0'] as const;
export type Version = (typeof VERSIONS)[number];

export interface Dialect {
  readonly generation: 1 | 2;
  readonly nodeSubject: string;
  readonly edgeSubject: string;
  /** Least tokens of a node point's subject; type and key are read from the payload. */
  readonly nodeTokens: number;
  readonly decode: (payload: Uint8Array) => StorePoint[];
  readonly encode: (points: readonly StorePoint[]) => Uint8Array;
  readonly number: (value: number) => Content;
  readonly text: (text: string) => Content;
  /** Refuses what cannot be a token of a subject (1.6), and reports it on the node (4.10). */
  readonly checksTokens: boolean;
  /** A refused edge write is fanned out, and answered with the error and then empty (4.4). */
  readonly goesOnAfterEdgeError: boolean;
  readonly makeDatabase: (rootId: string, nowNs: () => bigint) => Database;
}

const GENERATION_2 = {
  generation: 2,
  nodeSubject: 'p.>',
  edgeSubject: 'ep.*.*',
  nodeTokens: 4,
  decode: decodeCompact,
  encode: encodeCompact,
  number: typedNumber,
  text: typedText,
} as const;

export const DIALECTS: Readonly<Record<Version, Dialect>> = {
  '0.18.5': {
    generation: 1,
    nodeSubject: 'p.*',
    edgeSubject: 'p.*.*',
    nodeTokens: 2,
    decode: decodeProtobuf,
    encode: encodeProtobuf,
    number: (value) => ({ kind: 'pair', value, text: '' }),
    text: (text) => ({ kind: 'pair', value: 0, text }),
    checksTokens: false,
    goesOnAfterEdgeError: true,
    makeDatabase: (_rootId, nowNs) => new SqliteDatabase({ generation: 1, nowNs }),
  },
  '0.22.0': {
    ...GENERATION_2,
    checksTokens: false,
    goesOnAfterEdgeError: true,
    makeDatabase: (_rootId, nowNs) => new SqliteDatabase({ generation: 2, nowNs }),
  },
  '0.25.0': {
    ...GENERATION_2,
    checksTokens: true,
    goesOnAfterEdgeError: false,
    makeDatabase: (rootId) => new JetStreamDatabase(rootId),
  },
};
