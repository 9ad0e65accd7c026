/** Traffic of a link on its way to one asker, who may read slowly. */
import type { Clock, Timer } from '../../../point/clock.js';
import type { LinkEvent, LinkObserver } from '../control.js';
import { rawEvent, type LostTraffic, type RawEvent } from './raw-message.js';
import { json, type StreamAsker } from './verb.js';

/** Maximum size of what waits, bytes. */
const MOST_WAITING = 1_048_576;
/** Memory that an event takes besides its bytes, or the format that it tells. */
const EVENT_BYTES = 256;
/** In base64 and JSON, at most some 100 KB. */
const MOST_IN_A_MESSAGE = 65_536;
/** Events are gathered for so long: a message for each would cost the gateway more than its packet. */
const GATHER_MS = 20;

interface Waiting {
  readonly event: RawEvent;
  readonly bytes: number;
}

/** Copies events until they are sent; those without room are left out, and counted in the stream. */
export class TrafficQueue implements LinkObserver {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #lost: LostTraffic | undefined;
  /** The newest that was left out: the next events can be read only as it says. */
  #lostLink: Waiting | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly asker: StreamAsker,
    private readonly clock: Clock,
  ) {
    asker.onReady = () => this.#send();
  }

  observed(event: LinkEvent): void {
    const size = sizeOf(event);
    // Before it, what was left out is told. One that has all the room may be larger than that.
    const before = this.#bytes + this.#lostSize;
    if (before > 0 && before + size > MOST_WAITING) {
      this.#leaveOut(event, size);
      return;
    }
    this.#tellLost();
    this.#push({ event: rawEvent(event), bytes: size });
    this.#timer ??= this.clock.setTimer(GATHER_MS, () => {
      this.#timer = undefined;
      this.#send();
    });
  }

  /** Sends nothing any more. */
  end(): void {
    this.#timer?.cancel();
    this.asker.onReady = undefined;
  }

  #push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes;
  }

  get #lostSize(): number {
    return this.#lost === undefined ? 0 : EVENT_BYTES + (this.#lostLink?.bytes ?? 0);
  }

  #leaveOut(event: LinkEvent, size: number): void {
    const { units, bytes: before, wallNs } = this.#lost ?? NOTHING_LOST;
    if (event.kind === 'link') this.#lostLink = { event, bytes: size };
    this.#lost = {
      kind: 'lost',
      wallNs: units === 0 ? this.clock.wallNs() : wallNs,
      units: units + 1,
      bytes: before + bytesOf(event),
    };
  }

  #tellLost(): void {
    if (this.#lost === undefined) return;
    this.#push({ event: rawEvent(this.#lost), bytes: EVENT_BYTES });
    if (this.#lostLink !== undefined) this.#push(this.#lostLink);
    this.#lost = undefined;
    this.#lostLink = undefined;
  }

  #send(): void {
    while (this.asker.isReady) {
      if (this.#waiting.length === 0) this.#tellLost();
      const events = this.#next();
      if (events.length === 0) return;
      this.asker.reply(json({ state: 'traffic', events }));
    }
  }

  /** The events of one message. */
  #next(): RawEvent[] {
    let count = 0;
    let sum = 0;
    for (const { bytes } of this.#waiting) {
      if (sum > 0 && sum + bytes > MOST_IN_A_MESSAGE) break;
      sum += bytes;
      count += 1;
    }
    this.#bytes -= sum;
    return this.#waiting.splice(0, count).map(({ event }) => event);
  }
}

const NOTHING_LOST = { units: 0, bytes: 0, wallNs: 0n };

/** Memory that an event takes while it waits. */
function sizeOf(event: LinkEvent): number {
  if (event.kind !== 'link') return EVENT_BYTES + bytesOf(event);
  return EVENT_BYTES + JSON.stringify(event).length;
}

/** Of the traffic in it. */
function bytesOf(event: LinkEvent): number {
  if (event.kind === 'bytes') return event.bytes.length;
  return event.kind === 'frame' ? event.frame.data.length : 0;
}
