import { z } from 'zod';
import { parseInt64 } from '../../../point/int64.js';
import type { SetReply, SetRequest } from '../control.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

const setRequest: z.ZodType<SetRequest> = z.object({
  link: z.string(),
  type: z.string(),
  key: z.string(),
  value: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('float'), number: z.number() }),
    z.object({
      kind: z.literal('int'),
      integer: z.string().refine((text) => parseInt64(text) !== undefined),
    }),
    z.object({ kind: z.enum(['string', 'json', 'word']), text: z.string() }),
    z.object({ kind: z.literal('none') }),
  ]),
});

/** Request: a `SetRequest`. Answers: `SetReply` messages, until one is final. */
export const setVerb: Verb =
  ({ control, until }) =>
  (request, reply) => {
    const answered = (answer: SetReply): void => reply(json(answer));
    const refusal = control.setRefusal(request.length);
    if (refusal !== undefined) {
      answered(refusal);
      return;
    }
    const asked = readRequest(setRequest, request);
    if (asked === undefined) answered(NOT_UNDERSTOOD);
    else void control.set(asked, answered, until);
  };
