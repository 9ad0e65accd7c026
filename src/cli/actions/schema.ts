/** `siot-mcu schema`. */
import { configJsonSchema } from '../../gateway/config/schema.js';
import { printLine } from '../streams.js';

export function schema(): void {
  printLine(JSON.stringify(configJsonSchema(), undefined, 2));
}
