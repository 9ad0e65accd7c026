/** Reads the CAN databases that people name on the command line. */
import { DatabaseError, type Database, type DatabaseProblem } from '../signals/database.js';
import { readDatabase } from '../signals/formats.js';
import { complain } from './streams.js';
import { MAX_DATABASE_BYTES, readFileBytes, TextFileError } from './text-file.js';
import { ConfigFileError } from './errors.js';

const MOST_WARNINGS = 20;

/**
 * Reads a database, and prints its warnings on stderr. Throws a
 * {@link ConfigFileError} with all of its errors.
 */
export function readDatabaseFile(file: string, bus?: string): Database {
  let database: Database;
  try {
    database = readDatabase(readFileBytes(file, MAX_DATABASE_BYTES), bus);
  } catch (error) {
    if (error instanceof DatabaseError) {
      throw new ConfigFileError(error.problems.map((problem) => problemText(file, problem)));
    }
    if (!(error instanceof TextFileError)) throw error;
    throw new ConfigFileError([`${file}:${error.line}:1: ${error.why}`]);
  }
  sayWarnings(file, database);
  return database;
}

/** Prints the warnings of a database on stderr. */
export function sayWarnings(file: string, { warnings }: Database): void {
  for (const warning of warnings.slice(0, MOST_WARNINGS)) {
    complain(problemText(file, { ...warning, message: `warning: ${warning.message}` }));
  }
  const left = warnings.length - MOST_WARNINGS;
  if (left > 0) complain(`${file}: and ${left} more such warnings`);
}

function problemText(file: string, { line, column, message }: DatabaseProblem): string {
  return `${file}:${line}:${column}: ${message}`.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
