// Shared by the steps of the set-up.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './children.mjs';

/** The checkout. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** For people; `status` is what the set-up then ends with. */
export class SetupError extends Error {
  constructor(message, status = 1) {
    super(message);
    this.status = status;
  }
}

/** To stderr: stdout belongs to the program that is set up. */
export const say = (text) => process.stderr.write(`siot-mcu-gateway: ${text}\n`);

/** The text of a file; where it cannot be read, the other text. */
export const readOr = (file, otherwise) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
};

/** Runs a step of the set-up, with all output on stderr. Throws when it fails. */
export async function runStep(what, program, args) {
  const status = await runChild(program, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    throw new SetupError(`${what} failed (exit status ${status}); what it said is above`);
  }
}
