/** `siot-mcu ports`. */
import { listCanInterfaces } from '../../transport/can/interfaces.js';
import { listPorts } from '../../transport/serial/ports.js';
import type { JsonOption } from '../options.js';
import { canLines, portLines } from '../port-lines.js';
import { complain, printLine } from '../streams.js';

export async function ports({ json }: JsonOption): Promise<void> {
  const [serial, can] = await Promise.all([listPorts(), listCanInterfaces()]);
  if (json) {
    printLine(JSON.stringify({ serial, can }, undefined, 2));
    return;
  }
  for (const line of [...serial.flatMap(portLines), ...can.flatMap(canLines)]) printLine(line);
  if (serial.length === 0 && can.length === 0) {
    complain('no serial ports and no CAN interfaces on this machine');
  }
}
