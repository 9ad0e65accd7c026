import { Command, Option } from 'commander';
import type { BusOption, DecodeOptions } from '../actions/can.js';

export function canCommand(): Command {
  return new Command('can')
    .description('Try a CAN database (DBC or KCD): frames into values, and values into frames.')
    .addCommand(decodeCommand())
    .addCommand(encodeCommand())
    .addHelpText('after', '\nExample:\n  siot-mcu can decode motor.dbc candump.log');
}

const busOption = (): Option => new Option('--bus <name>', 'the bus, where a database has several');

function decodeCommand(): Command {
  return new Command('decode')
    .description('Print a line of JSON for each frame that the database knows.')
    .argument('<database>', 'DBC or KCD file')
    .argument('[log]', 'log of candump; stdin, where none is given')
    .addOption(new Option('--file <log>', 'the same'))
    .addOption(busOption())
    .addHelpText(
      'after',
      '\nReads what candump -l, candump -L or candump itself writes.' +
        '\nsignals: values; raw: codes; text: what the database calls them. Integers beyond 2^53 are texts.' +
        '\nExamples:\n  candump -L can0 | siot-mcu can decode motor.dbc' +
        '\n  siot-mcu can decode motor.dbc candump-2024-05-01.log | jq .signals.Speed',
    )
    .action(async (database: string, log: string | undefined, options: DecodeOptions) =>
      (await import('../actions/can.js')).decodeLog(database, log, options),
    );
}

function encodeCommand(): Command {
  return new Command('encode')
    .description('Print the frame that carries these values, in the form that cansend takes.')
    .argument('<database>', 'DBC or KCD file')
    .argument('<message>', 'name of the message')
    .argument('[signal=value...]', 'numbers, or texts of the database')
    .addOption(busOption())
    .addHelpText(
      'after',
      '\nSignals that are not given have the start value of the database, or the code 0.' +
        '\nExamples:\n  siot-mcu can encode motor.dbc Motor Speed=12.5 Gear=third' +
        '\n  cansend can0 $(siot-mcu can encode motor.dbc Motor Speed=12.5)',
    )
    .action(async (database: string, name: string, words: readonly string[], options: BusOption) =>
      (await import('../actions/can.js')).encodeFrame(database, name, words, options),
    );
}
