import { z } from 'zod';
import type { ObservedLink } from '../control.js';
import type { RawReply, RawRequest } from './raw-message.js';
import { TrafficQueue } from './traffic-queue.js';
import { json, NOT_UNDERSTOOD, readRequest, type StreamVerb } from './verb.js';

const rawRequest: z.ZodType<RawRequest> = z.object({ link: z.string() });

/** Room of an answer for what is not the database. */
const HEAD_BYTES = 65_536;

/**
 * Request: `{"link"}`. Answers: `RawReply` messages, until the asker goes away. A
 * database too large for an answer is left out.
 */
export const rawVerb: StreamVerb = (face) => async (request, asker) => {
  const asked = readRequest(rawRequest, request);
  const reply = (answer: RawReply): void => asker.reply(json(answer));
  if (asked === undefined) {
    reply(NOT_UNDERSTOOD);
    return;
  }
  const fitting = (link: ObservedLink): ObservedLink =>
    withoutLargeDatabase(link, face.mostBytes() - HEAD_BYTES);
  const queue = new TrafficQueue(asker, face.clock);
  const answer = face.control.observe(
    asked,
    {
      observed: (event) =>
        queue.observed(event.kind === 'link' ? { ...event, link: fitting(event.link) } : event),
    },
    asker.until,
  );
  if (answer.state === 'refused') reply(answer);
  else {
    reply({ ...answer, link: fitting(answer.link) });
    await aborted(asker.until);
  }
  queue.end();
};

function withoutLargeDatabase(link: ObservedLink, mostBytes: number): ObservedLink {
  const { format } = link;
  if (format.kind !== 'signals' || (format.database.content ?? '').length <= mostBytes) return link;
  const { content: _, ...database } = format.database;
  return { ...link, format: { ...format, database } };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
