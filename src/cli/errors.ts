/** Errors of commands: a line for people and an exit status (docs/contract.md, "Commands"). */

import { reasonOf } from '../gateway/state/disk.js';

/** The command has failed. */
export const EXIT_FAILED = 1;
/** The command line or the configuration is wrong. */
export const EXIT_WRONG = 2;

/** A command fails. The message is for people; `status` is the exit status. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly status: number = EXIT_FAILED,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The configuration, or a file that it names, is wrong. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
  /** `problems`: each in the form `FILE:LINE:COLUMN: path.to.key: what is wrong and what is allowed`. */
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** The environment variable with which errors show their stack. */
const DEBUG_VARIABLE = 'SIOT_MCU_DEBUG';

/** Whether {@link errorText} has the stack. */
export const showsStacks = (): boolean => process.env[DEBUG_VARIABLE] !== undefined;

/** The text of an error for people; with its stack only if {@link DEBUG_VARIABLE} is set. */
export function errorText(error: unknown): string {
  if (showsStacks() && error instanceof Error) {
    return error.stack ?? error.message;
  }
  if (!(error instanceof Error)) return String(error);
  // What the system says of a file: nobody has to know its codes.
  if ('syscall' in error && 'path' in error) return `${String(error.path)}: ${reasonOf(error)}`;
  return error.message === '' ? error.name : error.message;
}
