// Shared by the steps of the set-up.
import { readFileSync } from 'node:fs';

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
