/**
 * How a verb is written: one file that exports one, and one line in verbs.ts. Faces
 * of the control interface carry verbs: ../nats and ../socket.
 */
import type { z } from 'zod';
import type { Clock } from '../../../point/clock.js';
import type { Control, Refused } from '../control.js';

/** Makes the handler of a verb; anew each time a face begins to answer. */
export type Verb<Who = Asker> = (face: VerbFace) => VerbHandler<Who>;

/**
 * Answers a request. `request` is JSON, as it came. What is returned resolves when no
 * answer follows any more, and never rejects; nothing returned: the answers are given.
 */
export type VerbHandler<Who = Asker> = (request: Uint8Array, asker: Who) => Promise<void> | void;

/** What a verb has to work with. */
export interface VerbFace {
  readonly control: Control;
  readonly clock: Clock;
  /** Maximum size of one answer now. */
  mostBytes(): number;
}

/** Who has sent a request. */
export interface Asker {
  /** Each answer, in the order of the calls, is one message. */
  reply(answer: Uint8Array): void;
  /** Aborted when no answer would arrive any more. */
  readonly until: AbortSignal;
}

/** Its answers go on until the asker goes away. */
export type StreamVerb = Verb<StreamAsker>;

/** An asker of whom the face knows how fast they read. */
export interface StreamAsker extends Asker {
  /**
   * False: earlier answers are not read yet. A verb leaves out what it would say
   * meanwhile, and counts it: who reads slowly must not take the gateway's memory.
   */
  readonly isReady: boolean;
  /** Called each time it is ready again. */
  onReady: (() => void) | undefined;
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
