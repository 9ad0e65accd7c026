/** Publishes points again that SIOT may lack (docs/contract.md, "Generation and store"). */
import type { Clock, Timer } from '../../point/clock.js';
import type { Point } from '../../point/point.js';

/** Pause before the next look whether there is room. */
const AGAIN_MS = 500;

/** The lane of the outbox, as far as points are resent. */
export interface ResenderHost {
  /** The room that is left is for new points of the device. */
  readonly isCrowded: boolean;
  /** False: there was no room for it. */
  resend(point: Point): boolean;
}

/** Puts points into the outbox again, no faster than there is room. */
export class Resender {
  #points: Iterator<Point, undefined> | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly host: ResenderHost,
    private readonly clock: Clock,
  ) {}

  /** As many as there is room for now, the rest when there is room again. */
  send(points: Iterator<Point, undefined>): void {
    this.#points = points;
    this.#sendOn(undefined);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #sendOn(left: Point | undefined): void {
    this.#timer?.cancel();
    for (let point = left; ; point = undefined) {
      point ??= this.#points?.next().value;
      if (point === undefined) break;
      if (this.host.isCrowded || !this.host.resend(point)) {
        const waiting = point;
        this.#timer = this.clock.setTimer(AGAIN_MS, () => this.#sendOn(waiting));
        return;
      }
    }
    this.#points = undefined;
  }
}
