// What the steps of the set-up share.
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

/** The text of a file, or this. */
export const readOr = (file, otherwise) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
};
