import { z } from 'zod';
import type { UndeleteRequest } from '../control.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

const undeleteRequest: z.ZodType<UndeleteRequest> = z.union([
  z.strictObject({ link: z.string() }),
  z.strictObject({ gateway: z.literal(true) }),
]);

/** Request: `{"link"}` or `{"gateway":true}`. Answer: an `UndeleteReply`. */
export const undeleteVerb: Verb =
  ({ control }) =>
  async (request, asker) => {
    const asked = readRequest(undeleteRequest, request);
    asker.reply(json(asked === undefined ? NOT_UNDERSTOOD : await control.undelete(asked)));
  };
