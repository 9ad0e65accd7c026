import { logsRequest } from './logs-request.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

/** Request: a `LogsRequest`. Answer: a `LogsReply`, with as many lines as a message has room for. */
export const logsVerb: Verb = (face) => (request, asker) => {
  const asked = readRequest(logsRequest, request);
  if (asked === undefined) asker.reply(json(NOT_UNDERSTOOD));
  else asker.reply(json(face.control.logs(asked, face.mostBytes())));
};
