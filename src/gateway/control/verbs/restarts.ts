import { z } from 'zod';
import type { RestartsRequest } from '../control.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

const restartsRequest: z.ZodType<RestartsRequest> = z.object({ link: z.string() });

/** Request: a `RestartsRequest`. Answer: a `RestartsReply`. */
export const restartsVerb: Verb = (face) => (request, asker) => {
  const asked = readRequest(restartsRequest, request);
  if (asked !== undefined) {
    return face.control.restarts(asked).then((reply) => asker.reply(json(reply)));
  }
  asker.reply(json(NOT_UNDERSTOOD));
  return undefined;
};
