/** Results go to stdout, everything else to stderr (docs/contract.md, "Commands"). */

/** A line of results, to stdout. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A line of anything else, to stderr. */
export function complain(text: string): void {
  process.stderr.write(`${text}\n`);
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
  // There is no other stream to report it on.
  process.stderr.on('error', () => undefined);
}
