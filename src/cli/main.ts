#!/usr/bin/env node
/** `siot-mcu`: runs the command line, and turns each error into a line and an exit status. */
import { CommanderError } from 'commander';
import {
  CliError,
  ConfigFileError,
  errorText,
  EXIT_FAILED,
  EXIT_WRONG,
  showsStacks,
} from './errors.js';
import { buildProgram } from './program.js';
import { complainOfFailure, endWithReader } from './streams.js';

function statusOf(error: unknown): number {
  // Commander has printed it already. Help and version are not errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_WRONG;
  if (error instanceof ConfigFileError) {
    for (const problem of error.problems) complainOfFailure(problem);
    return EXIT_WRONG;
  }
  complainOfFailure(`siot-mcu: ${errorText(error)}`);
  return error instanceof CliError ? error.status : EXIT_FAILED;
}

function fail(error: unknown): never {
  process.exit(statusOf(error));
}

// A stack then names lines of the sources: the program's files are bundles of them.
if (showsStacks()) process.setSourceMapsEnabled(true);
endWithReader();
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}
