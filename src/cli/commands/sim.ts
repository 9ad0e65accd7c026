import { Command, Option } from 'commander';
import { CliError } from '../errors.js';
import { wholeNumber } from '../options.js';

export function simCommand(): Command {
  return new Command('sim')
    .description('Run a simulated MCU: a pump controller, unless a profile says otherwise.')
    .addOption(new Option('--pty <linkpath>', 'on a new PTY; linkpath becomes a link to it'))
    .addOption(new Option('--tcp <host:port>', 'on a TCP port, listening').conflicts('pty'))
    .addOption(new Option('--can <iface>', 'on a CAN interface').conflicts(['pty', 'tcp']))
    .addOption(
      new Option('--protocol <codec>', 'payload codec')
        .choices(['protobuf', 'compact'])
        .default('protobuf'),
    )
    .addOption(new Option('--profile <file>', 'YAML file with the points of the device'))
    .addOption(new Option('--faults <spec>', 'faults to make'))
    .addOption(
      new Option('--seed <n>', 'seed of all that is random').argParser(
        wholeNumber(0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addHelpText('after', '\nExample:\n  siot-mcu sim --pty /tmp/pump --protocol compact')
    .action(() => {
      throw new CliError('the simulator is not there yet');
    });
}
