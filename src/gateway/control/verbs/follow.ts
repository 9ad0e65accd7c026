import type { Timer } from '../../../point/clock.js';
import type { LogsRequest } from '../control.js';
import { logsRequest } from './logs-request.js';
import {
  json,
  NOT_UNDERSTOOD,
  readRequest,
  type StreamAsker,
  type StreamVerb,
  type VerbFace,
} from './verb.js';

/** New lines are looked for so often: adding one costs nothing for those who read. */
const LOOK_MS = 200;

/**
 * Request: a `LogsRequest`. Answers: `LogsReply` messages with the lines that are there,
 * and with those that come, until the asker goes away or the link is gone. What waits
 * for a slow reader waits in the ring of the link, and nowhere else.
 */
export const followVerb: StreamVerb = (face) => async (request, asker) => {
  const asked = readRequest(logsRequest, request);
  if (asked === undefined) asker.reply(json(NOT_UNDERSTOOD));
  else await new Follower(face, asker, asked).ended;
};

/** Follows the lines of one link for one asker. */
class Follower {
  /** Resolves when nothing follows any more. */
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly face: VerbFace,
    private readonly asker: StreamAsker,
    private request: LogsRequest,
  ) {
    this.ended = new Promise((resolve) => {
      this.#end = () => {
        this.#timer?.cancel();
        this.#timer = undefined;
        asker.onReady = undefined;
        resolve();
      };
    });
    asker.until.addEventListener('abort', () => this.#end(), { once: true });
    asker.onReady = () => this.#look();
    if (asker.until.aborted) this.#end();
    else this.#look();
  }

  #look(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.asker.isReady) {
      const reply = this.face.control.logs(this.request, this.face.mostBytes());
      const isFirst = this.request.after === undefined;
      if (reply.state === 'refused') {
        this.asker.reply(json(reply));
        this.#end();
        return;
      }
      const { sinceMs: _, ...request } = this.request;
      this.request = { ...request, after: reply.next };
      // The first one says that the link was found.
      if (isFirst || reply.lines.length > 0 || reply.lost > 0) this.asker.reply(json(reply));
      if (!reply.more) break;
    }
    if (this.asker.isReady) this.#timer = this.face.clock.setTimer(LOOK_MS, () => this.#look());
  }
}
