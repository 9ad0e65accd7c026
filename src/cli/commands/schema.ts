import { Command } from 'commander';

export function schemaCommand(): Command {
  return new Command('schema')
    .description('Print the JSON Schema of the configuration, for editors.')
    .addHelpText(
      'after',
      '\nExample:\n  siot-mcu schema > gateway.schema.json' +
        '\nand as the first line of gateway.yaml:' +
        '\n  # yaml-language-server: $schema=gateway.schema.json',
    )
    .action(async () => (await import('../actions/schema.js')).schema());
}
