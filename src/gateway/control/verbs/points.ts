import { z } from 'zod';
import type { PointInfoEntry, PointInfoReply } from '../control.js';
import { pageRoom, sizeOf } from './page-room.js';
import type { PointsReply, PointsRequest } from './points-request.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

const pointsRequest: z.ZodType<PointsRequest> = z.object({
  link: z.string(),
  from: z.int().min(0).optional(),
});

/** Request: a `PointsRequest`. Answer: a `PointsReply`, with as many entries as a message has room for. */
export const pointsVerb: Verb = (face) => (request, asker) => {
  const asked = readRequest(pointsRequest, request);
  if (asked === undefined) asker.reply(json(NOT_UNDERSTOOD));
  else asker.reply(json(page(face.control.pointInfo(asked), asked.from ?? 0, face.mostBytes())));
};

function page(answer: PointInfoReply, from: number, mostBytes: number): PointsReply {
  if (answer.state === 'refused') return answer;
  const fits = pageRoom({ ...answer, points: [] }, mostBytes);
  const points: PointInfoEntry[] = [];
  for (const entry of answer.points.slice(from)) {
    if (!fits(sizeOf(entry) + 1)) break;
    points.push(entry);
  }
  const pointsLeft = Math.max(0, answer.points.length - from - points.length);
  return { ...answer, points, ...(pointsLeft > 0 ? { pointsLeft } : {}) };
}
