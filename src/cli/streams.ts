/** Results go to stdout, everything else to stderr (docs/contract.md, "Commands"). */

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Whoever reads our output may have had enough (`| head`): that ends the
 * command quietly, as a signal would in other programs.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    complain(`siot-mcu: stdout cannot be written: ${error.message}`);
    process.exit(1);
  });
  // Nobody is left to tell.
  process.stderr.on('error', () => undefined);
}
