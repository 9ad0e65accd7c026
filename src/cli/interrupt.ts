/** Signals by which a person (Ctrl-C) or a service manager ends a command. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls `end` at Ctrl-C or SIGTERM, until the returned function is called. Of each signal a
 * second one ends the program at once, whatever it is doing.
 */
export function onInterrupt(end: () => void): () => void {
  for (const signal of ENDING) process.once(signal, end);
  return () => {
    for (const signal of ENDING) process.off(signal, end);
  };
}

/** Ends the program with status 0 at Ctrl-C or SIGTERM: it has nothing to finish. */
export function endOnInterrupt(): void {
  onInterrupt(() => process.exit(0));
}

/** Resolves at Ctrl-C or SIGTERM. */
export const interrupted = (): Promise<void> => new Promise((resolve) => void onInterrupt(resolve));
