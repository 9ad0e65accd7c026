import { Command, InvalidArgumentError, Option } from 'commander';
import type { ProbeOptions } from '../actions/probe.js';
import { jsonOption, seconds } from '../options.js';

export function probeCommand(): Command {
  return new Command('probe')
    .description(
      'Find out what talks at a port: baud rate, payload codec or shell, what is wrong with it.',
    )
    .argument('<port>', 'a serial port, or HOST:PORT of a TCP server such as ser2net')
    .addOption(
      new Option('--baud <rates>', 'baud rates to try, with commas between').argParser(baudRates),
    )
    .addOption(new Option('--listen', 'send nothing, only listen'))
    .addOption(
      new Option('--seconds <n>', 'how long to listen at each baud rate')
        .argParser(seconds(3_600))
        .default(4),
    )
    .addOption(jsonOption('one JSON object with all that was found'))
    .addHelpText(
      'after',
      '\nWithout --listen it sends what a gateway sends when it opens a port, a timeSync in each codec, and' +
        '\nan empty line if nothing binary was heard. It acknowledges nothing: what the device has to say' +
        '\nstays with it.' +
        '\n\nExit status: 0 if something talks there, 1 if not.' +
        '\nExamples:\n  siot-mcu probe /dev/ttyUSB0\n  siot-mcu probe /dev/ttyUSB0 --baud 9600,19200 --listen',
    )
    .action(async (port: string, options: ProbeOptions) =>
      (await import('../actions/probe.js')).probe(port, options),
    );
}

function baudRates(text: string): number[] {
  const rates = text
    .split(',')
    .map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : Number.NaN));
  if (rates.every((rate) => rate >= 50 && rate <= 12_000_000)) return rates;
  throw new InvalidArgumentError('Give baud rates from 50 to 12000000, such as 9600,115200.');
}
