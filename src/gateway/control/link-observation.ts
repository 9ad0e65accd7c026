/** Observes what crosses a link by its name: also when the link was made anew, for another configuration. */
import { isDeepStrictEqual } from 'node:util';
import type { TapEvent, TapObserver } from '../../transport/tap.js';
import type { LinkObserver, ObservedLink } from './control.js';
import type { ControlledLink, ControlledLinks } from './controlled.js';

/** One observer of a link, until {@link end}. */
export class LinkObservation implements TapObserver {
  readonly #name: string;
  #said: ObservedLink['format'];
  readonly #ends: readonly (() => void)[];

  constructor(
    private readonly links: ControlledLinks,
    link: ControlledLink,
    private readonly observer: LinkObserver,
  ) {
    this.#name = link.name;
    this.#said = link.format;
    this.#ends = [
      link.tap.observe(this),
      links.watchRemovals((name) => {
        if (name === this.#name) this.observer.observed({ kind: 'removed' });
      }),
    ];
  }

  tapped(event: TapEvent): void {
    if (event.kind === 'opened') this.#look();
    this.observer.observed(event);
  }

  /** Idempotent. */
  end(): void {
    for (const end of this.#ends) end();
  }

  /** The link may be another one of that name. */
  #look(): void {
    const link = this.links.all().find(({ name }) => name === this.#name);
    if (link === undefined || isDeepStrictEqual(link.format, this.#said)) return;
    this.#said = link.format;
    this.observer.observed({ kind: 'link', link: observedLink(link) });
  }
}

/** What an observer has to know of a link. */
export function observedLink(link: ControlledLink): ObservedLink {
  const { name, transport, port, portProblem } = link.summary();
  return {
    name,
    transport,
    port,
    ...(portProblem === undefined ? {} : { problem: portProblem }),
    format: link.format,
  };
}
