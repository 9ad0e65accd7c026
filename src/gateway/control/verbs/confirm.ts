import { z } from 'zod';
import type { ConfirmRequest } from '../control.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

const confirmRequest: z.ZodType<ConfirmRequest> = z.object({ link: z.string() });

/** Request: `{"link"}`. Answer: a `ConfirmReply`. */
export const confirmVerb: Verb =
  ({ control }) =>
  (request, asker) => {
    const asked = readRequest(confirmRequest, request);
    asker.reply(json(asked === undefined ? NOT_UNDERSTOOD : control.confirm(asked)));
  };
