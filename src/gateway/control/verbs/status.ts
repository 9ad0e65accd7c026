import { z } from 'zod';
import type { StatusRequest } from './status-request.js';
import { StatusAnswers } from './status-answers.js';
import { readRequest, type Verb } from './verb.js';

const statusRequest: z.ZodType<StatusRequest> = z.object({
  linksFrom: z.int().min(0).optional(),
  link: z.string().optional(),
  pendingFrom: z.int().min(0).optional(),
});

/** What it does not understand gets the first page, as an empty request does. */
export const statusVerb: Verb = (face) => {
  const answers = new StatusAnswers(face);
  return (request, asker) => {
    const asked = request.length === 0 ? undefined : readRequest(statusRequest, request);
    asker.reply(answers.answer(asked ?? {}));
  };
};
