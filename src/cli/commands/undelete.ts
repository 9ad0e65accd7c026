import { Command } from 'commander';
import type { UndeleteOptions } from '../actions/undelete.js';
import { configOption } from '../options.js';

export function undeleteCommand(): Command {
  return new Command('undelete')
    .description('Bring back a link’s node that somebody deleted in SIOT.')
    .argument('[link]', 'name of the link')
    .addOption(configOption())
    .option('--gateway', 'the gateway’s own node instead of that of a link')
    .addHelpText(
      'after',
      '\nSIOT’s page cannot undo the deletion of a node. Its points are published again afterwards,' +
        '\nalso those that came meanwhile, the newest of each.' +
        '\nExample:\n  siot-mcu undelete pump',
    )
    .action(async (link: string | undefined, options: UndeleteOptions) =>
      (await import('../actions/undelete.js')).undelete(link, options),
    );
}
