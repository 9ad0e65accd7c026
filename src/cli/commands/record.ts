import { Command, Option } from 'commander';
import type { RecordOptions } from '../actions/record.js';
import { configOption, seconds } from '../options.js';

export function recordCommand(): Command {
  return new Command('record')
    .description('Write the samples of a high-rate channel into a file, until Ctrl-C.')
    .argument('<link>', 'name of the link')
    .argument('<type[/key]>', 'the channel')
    .addOption(configOption())
    .addOption(new Option('-o, --output <file>', 'FILE.csv or FILE.wav').makeOptionMandatory())
    .addOption(
      new Option('--seconds <n>', 'end after samples of so many seconds, gaps included').argParser(
        seconds(31_536_000),
      ),
    )
    .addOption(
      new Option('--fill', 'of .wav: fill gaps of up to 60 s with 0, instead of another file'),
    )
    .addOption(new Option('--force', 'replace a file that is there'))
    .addHelpText(
      'after',
      '\nA .csv has a line for each sample, with its time in UTC and its value. In a gap one line has' +
        '\nthe time of the first missing sample, and no value.' +
        '\nA .wav has float32 samples, and no gap inside: after each one another file begins, NAME-2.wav' +
        '\nor the next number that is free. stderr says what is missing, and of when the first sample of' +
        '\neach file is.' +
        '\n\nExit status: 0 with at least one sample, also after Ctrl-C; 1 without, or if the file cannot be' +
        '\nwritten; 2 wrong words, or a file that is there already or cannot be made.' +
        '\nExamples:\n  siot-mcu record pump vib/x -o vib.wav --seconds 10' +
        '\n  siot-mcu record pump current -o current.csv',
    )
    .action(async (link: string, target: string, options: RecordOptions) =>
      (await import('../actions/record.js')).record(link, target, options),
    );
}
