import { Command, Option } from 'commander';
import { FAULT_HELP } from '../../../firmware-sim/faults.js';
import type { SimulatorOptions } from '../../../firmware-sim/program.js';
import { canId, wholeNumber } from '../options.js';

export function simCommand(): Command {
  return new Command('sim')
    .description('Run a simulated MCU: a pump controller, unless a profile says otherwise.')
    .addOption(new Option('--pty <linkpath>', 'on a new PTY; linkpath becomes a link to it'))
    .addOption(
      new Option('--tcp <host:port>', 'on TCP, listening there; port 0: a free one').conflicts([
        'pty',
      ]),
    )
    .addOption(
      new Option('--serial <path>', 'on a serial port: the other end of a cable').conflicts([
        'pty',
        'tcp',
      ]),
    )
    .addOption(
      new Option('--can <iface>', 'on a CAN interface').conflicts(['pty', 'tcp', 'serial']),
    )
    .addOption(
      new Option('--tx-id <id>', 'with --can: identifier that it sends with; 0x124').argParser(
        canId,
      ),
    )
    .addOption(
      new Option('--rx-id <id>', 'with --can: identifier that it listens to; 0x123').argParser(
        canId,
      ),
    )
    .addOption(new Option('--extended-ids', 'with --can: both have 29 bits, however small'))
    .addOption(new Option('--fd', 'with --can: frames of CAN FD'))
    .addOption(new Option('--framing <name>', 'with --can').choices(['cobs', 'isotp']))
    .addOption(
      new Option('--protocol <name>', 'payload codec of its packets, or the console of a shell')
        .choices(['protobuf', 'compact', 'shell'])
        .default('protobuf'),
    )
    .addOption(
      new Option(
        '--carry-times',
        'with --protocol shell: reports of settings have the times of their commands',
      ),
    )
    .addOption(new Option('--profile <file>', 'YAML file with the points of the device'))
    .addOption(new Option('--print-profile', 'print the profile that is built in, and end'))
    .addOption(new Option('--faults <spec>', 'faults to make'))
    .addOption(
      new Option('--seed <n>', 'seed of all that is random; otherwise drawn and told').argParser(
        wholeNumber(0, 0xffff_ffff),
      ),
    )
    .addHelpText(
      'after',
      `\nFaults, as NAME=VALUE,… or NAME:\n${indented(FAULT_HELP)}` +
        '\n\nExamples:\n  siot-mcu sim --pty /tmp/pump --protocol compact --seed 1' +
        '\n  siot-mcu sim --pty /tmp/pump --faults crc-swapped',
    )
    .action(async (options: SimulatorOptions) =>
      (await import('../actions/sim.js')).simulate(options),
    );
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
