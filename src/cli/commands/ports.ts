import { Command } from 'commander';
import { listCanInterfaces } from '../../transport/can/interfaces.js';
import { listPorts } from '../../transport/serial/ports.js';
import { jsonOption, type JsonOption } from '../options.js';
import { canLines, portLines } from '../port-lines.js';
import { complain, printLine } from '../streams.js';

export function portsCommand(): Command {
  return new Command('ports')
    .description('List serial ports and CAN interfaces, with their identity and who holds them.')
    .addOption(jsonOption('one JSON object: {"serial": […], "can": […]}'))
    .addHelpText('after', '\nExample:\n  siot-mcu ports')
    .action(async ({ json }: JsonOption) => {
      const [serial, can] = await Promise.all([listPorts(), listCanInterfaces()]);
      if (json) {
        printLine(JSON.stringify({ serial, can }, undefined, 2));
        return;
      }
      for (const line of [...serial.flatMap(portLines), ...can.flatMap(canLines)]) printLine(line);
      if (serial.length === 0 && can.length === 0) {
        complain('no serial ports and no CAN interfaces on this machine');
      }
    });
}
