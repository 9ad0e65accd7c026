import { CliError, EXIT_FAILED } from './errors.js';

/** An answer of the gateway, parsed. Throws a {@link CliError} where it is no JSON. */
export function answerOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = 'the gateway’s answer is not understood: use the same version';
    throw new CliError(what, EXIT_FAILED, { cause });
  }
}
