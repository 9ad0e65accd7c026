/** `siot-mcu watch` on a terminal: what was heard, and the lines that show it now. */
import type { GatewayStatus } from '../gateway/control/control.js';
import type { Clock } from '../point/clock.js';
import type { WatchListener } from './gateway-watch.js';
import {
  clockTime,
  directionOf,
  nameOf,
  natsLine,
  siotLine,
  type WatchEvent,
} from './watch-lines.js';
import { LinkPoints } from './watch-points.js';
import { frame, type Size } from './watch-view.js';

const MOST_NOTES = 20;

const timeOfDay = (ns: bigint): string => clockTime(ns).slice(0, 8);

/** Keeps what is shown on the terminal. */
export class LiveWatch implements WatchListener {
  readonly #points = new Map<string, LinkPoints>();
  readonly #notes: string[] = [];
  #status: GatewayStatus | undefined;
  /** When the status was read, ns since 1970. */
  #lookedNs = 0n;
  /** Why it could not be read since. */
  #problem: string | undefined;

  constructor(
    /** The first lines. */
    private readonly title: readonly string[],
    private readonly clock: Clock,
  ) {}

  looked(status: GatewayStatus): void {
    this.#status = status;
    this.#lookedNs = this.clock.wallNs();
    this.#problem = undefined;
    const names = new Set(status.links.map(({ name }) => name));
    for (const name of this.#points.keys()) if (!names.has(name)) this.#points.delete(name);
  }

  lost(problem: string): void {
    this.#problem = problem;
  }

  heard(event: WatchEvent): void {
    switch (event.kind) {
      case 'point': {
        const { link, nodeId, point, info } = event;
        this.#pointsOf(link).seen(
          directionOf(point, nodeId),
          point,
          this.clock.monotonicMs(),
          info,
        );
        return;
      }
      case 'settled':
        this.note(`${event.link}: no longer pending: ${nameOf(event.setting)}`);
        return;
      case 'note':
        this.note(event.text);
        return;
      case 'link':
      case 'pending':
      case 'nats':
      case 'siot':
      // They are lines of their own.
    }
  }

  /** Adds a line below, with the time of day. */
  note(text: string): void {
    this.#notes.push(`${timeOfDay(this.clock.wallNs())} ${text}`);
    if (this.#notes.length > MOST_NOTES) this.#notes.shift();
  }

  lines(size: Size): readonly string[] {
    const { links = [], nats, siot } = this.#status ?? {};
    const head = [...this.title];
    if (this.#problem !== undefined) {
      head.push(`! ${this.#problem}; the state below is that of ${timeOfDay(this.#lookedNs)}`);
    } else if (nats !== undefined && siot !== undefined) {
      head.push(`${natsLine(nats)} · ${siotLine(siot)}`);
    }
    return frame(
      {
        head,
        links: links.map((status) => ({ status, points: this.#pointsOf(status.name) })),
        notes: this.#notes,
      },
      size,
      { monotonicMs: this.clock.monotonicMs(), wallNs: this.clock.wallNs() },
    );
  }

  #pointsOf(link: string): LinkPoints {
    let points = this.#points.get(link);
    if (points === undefined) this.#points.set(link, (points = new LinkPoints()));
    return points;
  }
}
