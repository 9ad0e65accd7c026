/** Goes on asking the gateway over its restarts, and over those of a link. */
import { CliError } from './errors.js';

/** How often it is asked again, ms. */
const AGAIN_MS = 1_000;

/** Shows answers that go on. */
export interface ShownAnswers {
  /** The gateway has answered, and has such a link. */
  readonly hasBegun: boolean;
  /** Says it, unless it was the last thing said. */
  note(text: string): void;
}

/**
 * Calls `ask` again each time its answers have ended or failed, until the program ends.
 * Rejects as `ask` does before anything was shown: what is asked for is wrong then. Later
 * a refusal is a note too: a link is away while its configuration changes, and while the
 * gateway starts.
 */
export async function overRestarts(ask: () => Promise<void>, shown: ShownAnswers): Promise<never> {
  for (;;) {
    try {
      await ask();
      shown.note('the gateway has ended, or has been restarted: waiting for it');
    } catch (error) {
      if (!shown.hasBegun || !(error instanceof CliError)) throw error;
      shown.note(`waiting for the gateway: ${error.message}`);
    }
    await pause();
  }
}

/** Until it is time to ask again. */
export const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
