import { z } from 'zod';
import { parseInt64 } from '../../../point/int64.js';
import { isFinalSetReply, type SetReply, type SetRequest } from '../control.js';
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
  ({ control }) =>
  (request, asker) =>
    new Promise((ended) => {
      const answered = (answer: SetReply): void => {
        asker.reply(json(answer));
        if (isFinalSetReply(answer)) ended();
      };
      const refusal = control.setRefusal(request.length);
      const asked = refusal === undefined ? readRequest(setRequest, request) : undefined;
      if (asked === undefined) answered(refusal ?? NOT_UNDERSTOOD);
      else void control.set(asked, answered, asker.until);
    });
