import type { StatusReply, StatusRequest } from '../gateway/control/verbs/status-request.js';
import type { LinkStatus } from '../gateway/link/status.js';

/** Maximum number of pages that are asked for one answer. */
export const MOST_PAGES = 50;

/** Asks for one page. */
type AskPage = (request: StatusRequest) => Promise<StatusReply>;

/**
 * The pages of the status, joined. `linksLeft` and `pendingLeft` say what is missing.
 * The pages of the links have the first pending settings of each; `pending` asks for
 * further ones, of all links (true) or of one (its name). Throws what `ask` throws.
 */
export async function wholeStatus(ask: AskPage, pending: boolean | string): Promise<StatusReply> {
  let pages = 1;
  const first = await ask({});
  const links = [...first.links];
  let { linksLeft = 0 } = first;
  for (; linksLeft > 0 && pages < MOST_PAGES; pages++) {
    const page = await ask({ linksFrom: links.length });
    if (page.links.length === 0) break;
    links.push(...page.links);
    linksLeft = page.linksLeft ?? 0;
  }
  for (let at = 0; pending !== false && at < links.length; at++) {
    if (pending !== true && links[at]?.name !== pending) continue;
    for (let link = links[at]; link?.pendingLeft !== undefined && pages < MOST_PAGES; pages++) {
      link = await withMore(link, ask);
      if (link === undefined) break;
      links[at] = link;
    }
  }
  const { linksLeft: _, ...status } = first;
  return { ...status, links, ...(linksLeft > 0 ? { linksLeft } : {}) };
}

/** A link with its next pending settings; `undefined`: no page has more of them. */
async function withMore(link: LinkStatus, ask: AskPage): Promise<LinkStatus | undefined> {
  const { links } = await ask({ link: link.name, pendingFrom: link.pending.length });
  const next = links.find(({ name }) => name === link.name);
  if (next === undefined || next.pending.length === 0) return undefined;
  return { ...next, pending: [...link.pending, ...next.pending] };
}
