import type { Database } from './database.js';
import { parseDbc } from './dbc.js';
import { parseKcd } from './kcd.js';
import { databaseText } from './text.js';

interface DatabaseFormat {
  /** How a file in it begins. */
  readonly begins: RegExp;
  /** Throws a `DatabaseError`. */
  readonly parse: (text: string, bus: string | undefined) => Database;
}

/** A new format is a file and a line here. The first whose `begins` matches reads the file. */
const FORMATS: readonly DatabaseFormat[] = [
  { begins: /^\s*</, parse: parseKcd },
  { begins: /^/, parse: parseDbc },
];

/**
 * Reads a database of any format. `bus`: only the messages of that bus, in formats
 * with several. Throws a `DatabaseError`.
 */
export function readDatabase(bytes: Uint8Array, bus?: string): Database {
  const text = databaseText(bytes);
  const { parse } = FORMATS.find(({ begins }) => begins.test(text)) ?? { parse: parseDbc };
  return parse(text, bus);
}
