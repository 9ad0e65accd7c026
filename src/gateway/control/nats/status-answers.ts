/**
 * Answers to `status`, so many that whoever asks without end takes no time from
 * devices: beyond that the first page is as it was a moment ago, and there are no
 * others.
 */
import type { StatusReply, StatusRequest } from './protocol.js';
import { statusPage } from './status-page.js';
import { json, type NatsFace } from './verb.js';

/** For answers, in each second. */
const MS_A_SECOND = 200;

interface FirstPage {
  /** Monotonic ms. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
  /** Without links, as an asker takes it: nothing more is to be had. */
  readonly nothingMore: Uint8Array;
}

/** The answers to `status` on one connection. */
export class StatusAnswers {
  /** When the second began in which {@link #spentMs} was spent, monotonic ms. */
  #secondMs = Number.NEGATIVE_INFINITY;
  #spentMs = 0;
  /** The last one: a newer one is owed in each second, whatever else is asked. */
  #first: FirstPage | undefined;

  constructor(private readonly face: Pick<NatsFace, 'control' | 'clock' | 'mostBytes'>) {}

  /** A page of it as JSON; one without links: there is no time for it now. */
  answer(asked: StatusRequest): Uint8Array {
    const nowMs = this.face.clock.monotonicMs();
    if (nowMs - this.#secondMs >= 1_000) {
      this.#secondMs = nowMs;
      this.#spentMs = 0;
    }
    const isOver = this.#spentMs >= MS_A_SECOND;
    if (Object.keys(asked).length > 0) {
      if (isOver) return (this.#first ?? this.#makeFirst()).nothingMore;
      return this.#spend(() => json(this.#page(asked)));
    }
    const first = this.#first;
    const isFresh = first !== undefined && nowMs - first.atMs < 1_000;
    return (isOver && isFresh ? first : this.#makeFirst()).bytes;
  }

  #makeFirst(): FirstPage {
    const atMs = this.face.clock.monotonicMs();
    return this.#spend(() => {
      const page = this.#page({});
      const { linksLeft: _, ...head } = page;
      const nothingMore = json({ ...head, links: [] });
      return (this.#first = { atMs, bytes: json(page), nothingMore });
    });
  }

  #page(asked: StatusRequest): StatusReply {
    return statusPage(this.face.control.view(), asked, this.face.mostBytes());
  }

  #spend<T>(make: () => T): T {
    const fromMs = this.face.clock.monotonicMs();
    const made = make();
    this.#spentMs += this.face.clock.monotonicMs() - fromMs;
    return made;
  }
}
