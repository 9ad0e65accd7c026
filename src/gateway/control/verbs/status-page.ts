/**
 * What is known of the gateway and its links, in as many bytes as an answer on this
 * face may have: NATS never delivers one that is too large.
 *
 * The first page, which is the answer to an empty request, has as many links as
 * fit, and then as many of their pending settings. What is left out is said
 * (`linksLeft`, `pendingLeft`), and asked for with the next request.
 */
import type { LinkStatus, LinkSummary, LinkView, PendingSetting } from '../../link/status.js';
import type { GatewayView } from '../control.js';
import { pageRoom, SAID_BYTES, sizeOf } from './page-room.js';
import type { StatusReply, StatusRequest } from './status-request.js';

/** Of a text that is pending, in a page: people want to know it again, no more. */
const LONGEST_VALUE = 200;
/** At the end of a text that was cut: the first of two units. */
const HALF_A_CHARACTER = /[\uD800-\uDBFF]$/;

/** `mostBytes`: of the answer, as JSON in UTF-8. */
export function statusPage(
  view: GatewayView,
  { link, linksFrom = 0, pendingFrom = 0 }: StatusRequest,
  mostBytes: number,
): StatusReply {
  const fits = pageRoom({ ...view, links: [] }, mostBytes);
  const wanted =
    link === undefined
      ? view.links.slice(linksFrom)
      : view.links.filter(({ name }) => name === link);
  const links: { readonly link: LinkView; readonly summary: LinkSummary }[] = [];
  for (const one of wanted) {
    const summary = one.summary();
    if (!fits(sizeOf({ ...summary, pending: [] }) + SAID_BYTES)) break;
    links.push({ link: one, summary });
  }
  const linksLeft = wanted.length - links.length;
  return {
    ...view,
    links: links.map(({ link, summary }) => ({
      ...summary,
      ...pendingPage(link, pendingFrom, fits),
    })),
    ...(linksLeft > 0 ? { linksLeft } : {}),
  };
}

function pendingPage(
  link: LinkView,
  from: number,
  fits: (bytes: number) => boolean,
): Pick<LinkStatus, 'pending' | 'pendingLeft'> {
  const pending: PendingSetting[] = [];
  for (const one of link.pending(from)) {
    const setting = shortened(one);
    if (!fits(sizeOf(setting) + 1)) break;
    pending.push(setting);
  }
  const pendingLeft = Math.max(0, link.pendingCount - from - pending.length);
  return { pending, ...(pendingLeft > 0 ? { pendingLeft } : {}) };
}

function shortened(setting: PendingSetting): PendingSetting {
  const { value } = setting;
  if (typeof value !== 'string' || value.length <= LONGEST_VALUE) return setting;
  return {
    ...setting,
    value: `${value.slice(0, LONGEST_VALUE).replace(HALF_A_CHARACTER, '')}…`,
    valueBytes: Buffer.byteLength(value),
  };
}
