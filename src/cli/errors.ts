/** How commands fail: a line for people and an exit status (docs/contract.md, "Commands"). */

export const EXIT_FAILED = 1;
/** The command line or the configuration is wrong. */
export const EXIT_WRONG = 2;

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

/** The environment variable that makes errors show where they came from. */
export const DEBUG_VARIABLE = 'SIOT_MCU_DEBUG';

/** What a person gets to see of any error; never a stack trace unless asked for. */
export function errorText(error: unknown): string {
  if (process.env[DEBUG_VARIABLE] !== undefined && error instanceof Error) {
    return error.stack ?? error.message;
  }
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : error.message;
}
