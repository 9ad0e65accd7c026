import { Command, Option } from 'commander';
import type { SetOptions } from '../actions/set.js';
import { configOption, seconds } from '../options.js';

const FORMS = ['text', 'number', 'int', 'json'] as const;

const formOption = (form: (typeof FORMS)[number], what: string): Option =>
  new Option(`--${form}`, what).conflicts(FORMS.filter((other) => other !== form));

export function setCommand(): Command {
  return new Command('set')
    .description('Change a setting of a device through SIOT, and say when it has acknowledged it.')
    .argument('<link>', 'name of the link')
    .argument('<type[/key]>', 'the point')
    .argument('<value>', 'a number, on or true (1), off or false (0), or else text')
    .addOption(configOption())
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for the device')
        .argParser(seconds(86_400))
        .default(30),
    )
    .addOption(formOption('text', 'the value is text in SIOT, also 42, on and off'))
    .addOption(formOption('number', 'the value is a number, also where the point is text'))
    .addOption(formOption('int', 'the value is a whole number'))
    .addOption(formOption('json', 'the value is JSON'))
    .addHelpText(
      'after',
      '\nWithout one of these options, the value is text where the device reports the point as text.' +
        '\nOf a text that is a decimal number (--text 42), a device that reports the point as a number' +
        '\ngets the number, as of what SIOT’s own page sends.' +
        '\n\nThe value that the device reports then is waited for up to 2 s, and told; stderr has a' +
        '\nwarning where it is another. On a CAN bus the frame is taken by the bus; nobody acknowledges.' +
        '\n\nExit status: 0 acknowledged by the device, taken by the bus, or done by the gateway itself' +
        '\n(disabled, rxReset, …); 1 with the word and the reason: pending: it goes on without this command;' +
        '\nunconfirmed: sent, or replaced by a newer one, and not acknowledged, whatever the device reports;' +
        '\nrefused: nothing was set; 2 wrong words.' +
        '\nExamples:\n  siot-mcu set pump setpoint 5.5\n  siot-mcu set pump relay/2 off' +
        "\n  siot-mcu set pump display --text '42'",
    )
    .action(async (link: string, target: string, value: string, options: SetOptions) =>
      (await import('../actions/set.js')).set(link, target, value, options),
    );
}
