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

/** So much of what `set` asks for may wait for SIOT and for the disk. */
const MOST_WAITING_BYTES = 2 * 1_048_576;
/** What a request costs besides its bytes. */
const REQUEST_BYTES = 4_096;

const TOO_BUSY: SetReply = {
  state: 'refused',
  reason: 'much is being set at once: try again in a moment',
};

/** Request: a `SetRequest`. Answers: `SetReply` messages, until one is final. */
export const setVerb: Verb = ({ control, until }) => {
  let waitingBytes = 0;
  return (request, reply) => {
    const answered = (answer: SetReply): void => reply(json(answer));
    const bytes = request.length + REQUEST_BYTES;
    if (waitingBytes > 0 && waitingBytes + bytes > MOST_WAITING_BYTES) {
      answered(TOO_BUSY);
      return;
    }
    const asked = readRequest(setRequest, request);
    if (asked === undefined) {
      answered(NOT_UNDERSTOOD);
      return;
    }
    waitingBytes += bytes;
    void control.set(asked, answered, until).finally(() => (waitingBytes -= bytes));
  };
};
