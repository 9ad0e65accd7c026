/**
 * Answers to `status` within the time that the control interface gives them: once
 * it is spent the first page is as it was a moment ago, and there are no others.
 */
import type { StatusReply, StatusRequest } from './status-request.js';
import { statusPage } from './status-page.js';
import { json, type VerbFace } from './verb.js';

interface FirstPage {
  /** Monotonic ms. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
  /** Without links, as an asker takes it: nothing more is to be had. */
  readonly nothingMore: Uint8Array;
}

/** The answers to `status` on one face. */
export class StatusAnswers {
  /** The last one: a newer one is owed in each second, whatever else is asked. */
  #first: FirstPage | undefined;

  constructor(private readonly face: Pick<VerbFace, 'control' | 'clock' | 'mostBytes'>) {}

  /** A page of it as JSON; one without links: there is no time for it now. */
  answer(asked: StatusRequest): Uint8Array {
    const { clock, control } = this.face;
    const nowMs = clock.monotonicMs();
    const isOver = control.statusTime.isSpent;
    if (Object.keys(asked).length > 0) {
      if (isOver) return (this.#first ?? this.#makeFirst()).nothingMore;
      return control.statusTime.spend(() => json(this.#page(asked)));
    }
    const first = this.#first;
    const isFresh = first !== undefined && nowMs - first.atMs < 1_000;
    return (isOver && isFresh ? first : this.#makeFirst()).bytes;
  }

  #makeFirst(): FirstPage {
    const atMs = this.face.clock.monotonicMs();
    return this.face.control.statusTime.spend(() => {
      const page = this.#page({});
      const { linksLeft: _, ...head } = page;
      const nothingMore = json({ ...head, links: [] });
      return (this.#first = { atMs, bytes: json(page), nothingMore });
    });
  }

  #page(asked: StatusRequest): StatusReply {
    return statusPage(this.face.control.view(), asked, this.face.mostBytes());
  }
}
