import type { Timer } from '../../../point/clock.js';
import type { LogsReply, LogsRequest, Refused } from '../control.js';
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
 * and with those that come, until the asker goes away or the link is removed; one comes at
 * once, also without lines. What waits for a slow reader waits in the ring of the link,
 * and nowhere else.
 */
export const followVerb: StreamVerb = (face) => async (request, asker) => {
  const asked = readRequest(logsRequest, request);
  if (asked === undefined) asker.reply(json(NOT_UNDERSTOOD));
  else await new Follower(face, asker, asked).ended;
};

/** Follows the lines of one link for one asker, also when the link is made anew. */
class Follower {
  /** Resolves when nothing follows any more. */
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  #timer: Timer | undefined;
  #isFound = false;

  constructor(
    private readonly face: VerbFace,
    private readonly asker: StreamAsker,
    private request: LogsRequest,
  ) {
    const unwatch = face.control.watchRemovals(request.link, () => this.#removed());
    this.ended = new Promise((resolve) => {
      this.#end = () => {
        this.#timer?.cancel();
        this.#timer = undefined;
        asker.onReady = undefined;
        unwatch();
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
      const reply = this.#read();
      if (reply.state === 'refused') {
        // Later it is away while its configuration changes, unless it is removed.
        if (this.#isFound) break;
        this.#refuse(reply);
        return;
      }
      const { sinceMs: _, ...request } = this.request;
      this.request = { ...request, after: reply.next };
      const { lines, lost, more } = reply;
      // The first one says that the link was found.
      if (!this.#isFound || lines.length > 0 || lost > 0) this.asker.reply(json(reply));
      this.#isFound = true;
      if (!more) break;
    }
    if (this.asker.isReady) this.#timer = this.face.clock.setTimer(LOOK_MS, () => this.#look());
  }

  #removed(): void {
    const reply = this.#read();
    if (reply.state === 'refused') this.#refuse(reply);
  }

  #read(): LogsReply {
    return this.face.control.logs(this.request, this.face.mostBytes());
  }

  #refuse(reason: Refused): void {
    this.asker.reply(json(reason));
    this.#end();
  }
}
