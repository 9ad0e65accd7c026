/** Results go to stdout, everything else to stderr (docs/contract.md, "Commands"). */
import { isJournal, journalText } from './journal.js';

/** Prints a line of results, to stdout. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a line of anything else, to stderr. */
export function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints why the command fails, to stderr; in the journal of systemd as an error. */
export function complainOfFailure(text: string): void {
  if (!isJournal()) complain(text);
  else process.stderr.write(journalText('error', text.trimEnd().split('\n')));
}

/**
 * Ends the command quietly when the reader of stdout has closed it (`| head`), as
 * SIGPIPE does in other programs.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    complain(`siot-mcu: stdout cannot be written: ${error.message}`);
    process.exit(1);
  });
  // An error of stderr cannot be reported anywhere.
  process.stderr.on('error', () => undefined);
}
