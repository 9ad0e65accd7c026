import { Command } from 'commander';
import { canCommand } from './commands/can.js';
import { checkCommand } from './commands/check.js';
import { confirmCommand } from './commands/confirm.js';
import { consoleCommand } from './commands/console.js';
import { logsCommand } from './commands/logs.js';
import { portsCommand } from './commands/ports.js';
import { probeCommand } from './commands/probe.js';
import { recordCommand } from './commands/record.js';
import { runCommand } from './commands/run.js';
import { schemaCommand } from './commands/schema.js';
import { sendFileCommand } from './commands/send-file.js';
import { setCommand } from './commands/set.js';
import { simCommand } from './commands/sim.js';
import { statusCommand } from './commands/status.js';
import { udevCommand } from './commands/udev.js';
import { undeleteCommand } from './commands/undelete.js';
import { watchCommand } from './commands/watch.js';
import { VERSION } from './version.js';

/** A further command is one file in commands/ and one line here. */
const COMMANDS = [
  runCommand,
  checkCommand,
  portsCommand,
  probeCommand,
  udevCommand,
  statusCommand,
  watchCommand,
  recordCommand,
  logsCommand,
  consoleCommand,
  setCommand,
  sendFileCommand,
  confirmCommand,
  undeleteCommand,
  simCommand,
  canCommand,
  schemaCommand,
];

/** The command line. Its errors are thrown as CommanderError; they do not end the process. */
export function buildProgram(): Command {
  const program = new Command('siot-mcu')
    .description('Gateway between microcontrollers and Simple IoT (SIOT) on NATS.')
    .version(VERSION, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText(
      'after',
      '\nExit status: 0 done, 1 it failed, 2 the command line or the configuration is wrong.' +
        '\nExample:\n  siot-mcu check -c gateway.yaml && siot-mcu run -c gateway.yaml',
    );
  for (const make of COMMANDS) program.addCommand(make());
  for (const command of withCommands(program)) {
    command
      .exitOverride()
      .helpOption('-h, --help', 'show this help')
      .showSuggestionAfterError()
      .allowExcessArguments(false)
      .configureOutput({ outputError: (text, write) => write(`siot-mcu: ${text}`) });
  }
  return program;
}

/** A command and all commands below it. */
function* withCommands(command: Command): Generator<Command> {
  yield command;
  for (const inner of command.commands) yield* withCommands(inner);
}
