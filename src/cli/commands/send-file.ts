import { Command } from 'commander';
import { configOption, jsonOption } from '../options.js';
import type { SendFileOptions } from '../actions/send-file.js';

export function sendFileCommand(): Command {
  return new Command('send-file')
    .description('Send a file to a device, such as its firmware.')
    .argument('<link>', 'name of the link')
    .argument('[file]', 'the file, of at most 64 MiB')
    .option(
      '--as <name>',
      'name that the device gets, at most 16 bytes (default: that of the file)',
    )
    .option('--abort', 'end the file that is being sent to the device')
    .option('--follow', 'watch the file that is being sent')
    .addOption(jsonOption('print a line of JSON for each step, and for the end'))
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nThe gateway keeps the file until the device has acknowledged its end, also when it is' +
        '\nstarted again. Ctrl-C leaves it going on there.' +
        '\nThe status is 0 when the device has acknowledged the end, else 1.' +
        '\nExamples:\n  siot-mcu send-file pump build/zephyr.bin --as fw.bin\n  siot-mcu send-file pump --follow',
    )
    .action(async (link: string, file: string | undefined, options: SendFileOptions) =>
      (await import('../actions/send-file.js')).sendFile(link, file, options),
    );
}
