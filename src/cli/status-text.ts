/** The page of `siot-mcu status` for people: the gateway, then its links, those that do not talk first. */
import type { StatusReply } from '../gateway/control/verbs/status-request.js';
import type { LinkState, LinkStatus, PendingSetting } from '../gateway/link/status.js';
import { plainText } from '../point/value-text.js';
import { breakLines, padEnd, padStart, widthOf } from './columns.js';
import { harmless } from './harmless.js';
import { adviceOf, discardedOf } from './status-json.js';
import { nameOf, STORES } from './watch-lines.js';

/** How the page is to look. */
export interface PageStyle {
  /** Longest line; a word that is longer stands on a line of its own. */
  readonly columns: number;
  readonly isColoured: boolean;
}

/** Pending settings that are shown of one link. */
const MOST_PENDING = 3;
/** Causes of losses that are shown of one link. */
const MOST_CAUSES = 4;
/** A longer name makes its own line longer, and no other. */
const WIDEST_NAME = 24;

/** Codes of ANSI terminals. */
const CODES = { red: 31, green: 32, yellow: 33, dim: 2 } as const;

type Style = keyof typeof CODES;

const STYLES: Readonly<Record<LinkState, Style>> = {
  talks: 'green',
  silent: 'red',
  closed: 'red',
  held: 'yellow',
  deleted: 'yellow',
  disabled: 'dim',
};

/** In this order in the page and in its summary. */
const ORDER: readonly LinkState[] = ['closed', 'silent', 'deleted', 'held', 'disabled', 'talks'];

export function statusText(status: StatusReply, style: PageStyle): string[] {
  return new Page(status, style).lines();
}

class Page {
  constructor(
    private readonly status: StatusReply,
    private readonly style: PageStyle,
  ) {}

  lines(): string[] {
    const { links, linksLeft } = this.status;
    const sorted = [...links].sort((a, b) => rankOf(a) - rankOf(b));
    const widest = Math.max(4, ...links.map(({ name }) => widthOf(harmless(name))));
    const nameWidth = Math.min(WIDEST_NAME, widest);
    return [
      ...this.#gateway(),
      '',
      ...(links.length === 0 ? [] : [this.#paint('dim', head(nameWidth))]),
      ...sorted.flatMap((link) => this.#link(link, nameWidth)),
      ...(links.length === 0 ? [] : ['']),
      this.#summary(),
      ...(linksLeft === undefined ? [] : [`${linksLeft} more links are not shown`]),
    ];
  }

  #gateway(): string[] {
    const { gateway, nats, siot } = this.status;
    const { id, description, version, uptimeMs, outbox } = gateway;
    const { points, bytes, oldestMs } = outbox;
    const waiting =
      points === 0
        ? 'empty'
        : `${points} ${points === 1 ? 'point waits' : 'points wait'} (${sizeText(bytes)})` +
          (oldestMs === undefined ? '' : `, the oldest is ${durationText(oldestMs)} old`);
    const to = nats.server === undefined ? '' : ` to ${nats.server}`;
    const isConnected = nats.state === 'connected';
    return [
      `${harmless(description)}: runs for ${durationText(uptimeMs)}, version ${harmless(version)}`,
      ...this.#row('gateway', id),
      ...this.#row('NATS', `${nats.state}${to}`, isConnected ? 'green' : 'red', nats.problem),
      ...this.#row(
        'SIOT',
        `generation ${siot.generation}, ${isConnected || siot.store !== 'none' ? STORES[siot.store] : 'not asked yet'}`,
        siot.store === 'expected' ? 'red' : undefined,
        siot.problem,
      ),
      ...this.#row('outbox', waiting, points === 0 ? undefined : 'yellow'),
    ];
  }

  #row(name: string, text: string, style?: Style, problem?: string): string[] {
    const [first = '', ...rest] = this.#wrap(harmless(text), 10);
    const lines = [`  ${name.padEnd(8)}${this.#paint(style, first.trimStart())}`, ...rest];
    return problem === undefined ? lines : [...lines, ...this.#wrap(harmless(problem), 10)];
  }

  #link(link: LinkStatus, nameWidth: number): string[] {
    const { name, state, heardMs, roundTripMs, rates, codec, pending, pendingLeft = 0 } = link;
    const pendingCount = pending.length + pendingLeft;
    const cells = [
      padEnd(harmless(name), nameWidth),
      this.#paint(STYLES[state], padEnd(state, 8)),
      padStart(heardMs === undefined ? '–' : durationText(heardMs), 7),
      padStart(roundTripMs === undefined ? '–' : durationText(roundTripMs), 7),
      padStart(rateText(rates.pointsUp), 7),
      padStart(rateText(rates.pointsDown), 7),
      padStart(pendingCount === 0 ? '–' : String(pendingCount), 7),
      ` ${codec === 'unknown' ? '–' : codec}`,
    ];
    return [cells.join(' '), ...this.#details(link)];
  }

  #details(link: LinkStatus): string[] {
    const { state, reason, transport, pending, pendingLeft = 0 } = link;
    // Counted since ever: no news of a link that talks.
    const lost = state === 'talks' ? [] : discardedOf(link);
    const causes = lost.slice(0, MOST_CAUSES).map(([cause, count]) => `${count} ${cause}`);
    const more = pending.length + pendingLeft - MOST_PENDING;
    return [
      ...(state === 'talks' ? [] : this.#wrap(harmless(transport), 2)),
      ...(reason === undefined ? [] : this.#wrap(harmless(reason), 2)),
      ...adviceOf(link).flatMap((one) => this.#wrap(`→ ${harmless(one)}`, 2, 4)),
      ...(causes.length === 0 ? [] : this.#wrap(`thrown away so far: ${causes.join(', ')}`, 2)),
      ...pending.slice(0, MOST_PENDING).flatMap((one) => this.#wrap(pendingText(one), 2, 4)),
      ...(more > 0 ? [`  … ${more} more pending: \`siot-mcu watch\` shows them`] : []),
    ];
  }

  #summary(): string {
    const { links } = this.status;
    if (links.length === 0) return 'no links';
    const counts = ORDER.toReversed().flatMap((state) => {
      const count = links.filter((link) => link.state === state).length;
      if (count === 0) return [];
      return [
        this.#paint(STYLES[state], `${count} ${count > 1 && state === 'talks' ? 'talk' : state}`),
      ];
    });
    return `${links.length} ${links.length === 1 ? 'link' : 'links'}: ${counts.join(', ')}`;
  }

  /** Lines of words; `hanging`: columns before those after the first. */
  #wrap(text: string, indent: number, hanging = indent): string[] {
    return breakLines(' '.repeat(indent) + text, this.style.columns, ' '.repeat(hanging));
  }

  #paint(style: Style | undefined, text: string): string {
    if (style === undefined || !this.style.isColoured) return text;
    return `\x1b[${CODES[style]}m${text}\x1b[0m`;
  }
}

const head = (nameWidth: number): string =>
  [
    'LINK'.padEnd(nameWidth),
    'STATE'.padEnd(8),
    ...['HEARD', 'ANSWERS', 'UP', 'DOWN', 'PENDING'].map((title) => title.padStart(7)),
    ' CODEC',
  ].join(' ');

/** The worst first; a link that talks and needs attention before others that talk. */
function rankOf({ state, reason, advice }: LinkStatus): number {
  const rank = ORDER.indexOf(state);
  return state === 'talks' && reason === undefined && advice.length === 0 ? rank + 1 : rank;
}

function pendingText(setting: PendingSetting): string {
  const { value, deleted, reason, progress } = setting;
  const shown = deleted ? '(deleted)' : plainText(value);
  const how = progress === undefined ? '' : `, ${progress}`;
  return harmless(`pending: ${nameOf(setting)} = ${shown}: ${reason}${how}`);
}

const rateText = (rate: number): string => (rate === 0 ? '–' : `${rate}/s`);

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** In one unit, such as `12 s`: people want to know how long, not to calculate. */
export function durationText(ms: number): string {
  for (const [length, unit] of UNITS) {
    if (ms >= 2 * length || (unit === 's' && ms >= length))
      return `${Math.floor(ms / length)} ${unit}`;
  }
  return `${Math.round(ms)} ms`;
}

function sizeText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
