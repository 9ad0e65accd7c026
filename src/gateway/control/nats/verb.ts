/** How a verb is written: one file that exports one, and one line in verbs.ts. */
import type { z } from 'zod';
import type { Clock } from '../../../point/clock.js';
import type { Control, Refused } from '../control.js';

/** Makes the handler of a verb; anew for each connection of the gateway to SIOT. */
export type Verb = (face: NatsFace) => VerbHandler;

/** `request` as it came from NATS; each answer, in the order of the calls, is one message. */
type VerbHandler = (request: Uint8Array, reply: (answer: Uint8Array) => void) => void;

/** What a verb has to work with. */
export interface NatsFace {
  readonly control: Control;
  readonly clock: Clock;
  /** Aborted when no answer would arrive any more. */
  readonly until: AbortSignal;
  /** Of one answer, as NATS takes it now. */
  mostBytes(): number;
}

/** The request that JSON holds; `undefined`: it holds something else. */
export function readRequest<T>(schema: z.ZodType<T>, request: Uint8Array): T | undefined {
  try {
    return schema.parse(JSON.parse(Buffer.from(request).toString('utf8')));
  } catch {
    return undefined;
  }
}

/** An answer as it goes into a message. */
export const json = (answer: unknown): Uint8Array => Buffer.from(JSON.stringify(answer));

/** The answer to a request that {@link readRequest} cannot read. */
export const NOT_UNDERSTOOD: Refused = {
  state: 'refused',
  reason: 'the request is not understood: use the same version',
};
