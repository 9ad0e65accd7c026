import { Command, Option } from 'commander';
import type { RunOptions } from '../actions/run.js';
import { configOption } from '../options.js';

export function runCommand(): Command {
  return new Command('run')
    .description('Run the gateway until SIGTERM or SIGINT; SIGHUP reads the configuration again.')
    .addOption(configOption())
    .addOption(
      new Option(
        '--log-format <format>',
        'form of the messages on stderr (default: text on a terminal and, with levels, in the journal; else json)',
      ).choices(['text', 'json']),
    )
    .addHelpText('after', '\nExample:\n  siot-mcu run -c /etc/siot-mcu/gateway.yaml')
    .action(async (options: RunOptions) => {
      const [{ run }, { keepHeapSmall }] = await Promise.all([
        import('../actions/run.js'),
        import('../small-heap.js'),
      ]);
      // Node keeps compiled code of its own modules, which V8 refuses once a flag has changed.
      keepHeapSmall();
      await run(options);
    });
}
