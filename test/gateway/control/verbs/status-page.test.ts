import { describe, expect, it } from 'vitest';
import { statusPage } from '../../../../src/gateway/control/verbs/status-page.js';
import type { GatewayView } from '../../../../src/gateway/control/control.js';
import type { StatusReply } from '../../../../src/gateway/control/verbs/status-request.js';
import type { LinkStatus, LinkView, PendingSetting } from '../../../../src/gateway/link/status.js';
import { linkStatus, pendingSetting } from '../../../support/link-status.js';

const pendingOf = (count: number, text: string): PendingSetting[] =>
  Array.from({ length: count }, (_, n) => pendingSetting({ type: `setting${n}`, value: text }));

const linkOf = (name: string, pending: PendingSetting[]): LinkStatus =>
  linkStatus(name, { pending });

const statusOf = (links: LinkStatus[]): StatusReply => ({
  gateway: {
    id: 'gw',
    description: 'boiler room',
    version: '1',
    uptimeMs: 1_000,
    outbox: { points: 0, bytes: 0 },
  },
  siot: { generation: 2, store: 'none' },
  nats: { state: 'connected' },
  links,
});

const viewOf = ({ links, ...gateway }: StatusReply): GatewayView => ({
  ...gateway,
  links: links.map(({ pending, ...summary }) => ({
    name: summary.name,
    pendingCount: pending.length,
    summary: () => summary,
    pending: (from) => pending.slice(from),
  })),
});

const sizeOf = (page: StatusReply): number => Buffer.byteLength(JSON.stringify(page));

/** All pages, as a client asks for them. */
function paged(status: StatusReply, most: number): { pages: number; links: LinkStatus[] } {
  let pages = 0;
  const ask = (request: Parameters<typeof statusPage>[1]): StatusReply => {
    pages += 1;
    const page = statusPage(viewOf(status), request, most);
    expect(sizeOf(page)).toBeLessThanOrEqual(most);
    return page;
  };
  const links: LinkStatus[] = [];
  for (let left: number | undefined = 1; left !== undefined;) {
    const page = ask({ linksFrom: links.length });
    expect(page.links.length).toBeGreaterThan(0);
    links.push(...page.links);
    left = page.linksLeft;
  }
  const whole = links.map((link) => {
    let { pending, pendingLeft } = link;
    while (pendingLeft !== undefined) {
      const [next] = ask({ link: link.name, pendingFrom: pending.length }).links;
      expect(next?.pending.length).toBeGreaterThan(0);
      pending = [...pending, ...next!.pending];
      pendingLeft = next!.pendingLeft;
    }
    return { ...link, pending };
  });
  return { pages, links: whole };
}

describe('a page of the status', () => {
  it('is all of it where there is room', () => {
    const status = statusOf([linkOf('pump', pendingOf(3, 'x')), linkOf('remote', [])]);
    expect(statusPage(viewOf(status), {}, 1_048_576)).toEqual(status);
  });

  it('has 30 pending texts of 60 kB, cut, with their lengths', () => {
    const page = statusPage(
      viewOf(statusOf([linkOf('pump', pendingOf(30, 'é'.repeat(30_000)))])),
      {},
      65_536,
    );
    expect(page.links[0]!.pending).toHaveLength(30);
    expect(page.links[0]!.pendingLeft).toBeUndefined();
    expect(page.links[0]!.pending[0]).toMatchObject({
      value: `${'é'.repeat(200)}…`,
      valueBytes: 60_000,
    });
  });

  it.each([65_536, 8_192])('of %i bytes at most is one of several with 5,400 pending', (most) => {
    const first = statusOf([linkOf('pump', pendingOf(5_400, 'x')), linkOf('remote', [])]);
    const page = statusPage(viewOf(first), {}, most);
    const [pump, remote] = page.links;
    expect(pump!.pending.length + pump!.pendingLeft!).toBe(5_400);
    expect(remote!.name).toBe('remote');
    expect(paged(first, most).links[0]!.pending).toEqual(first.links[0]!.pending);
  });

  it('cuts no character in two', () => {
    const pending = pendingOf(1, `x${'😀'.repeat(200)}`);
    const [link] = statusPage(viewOf(statusOf([linkOf('pump', pending)])), {}, 1_000_000).links;
    expect(link?.pending[0]?.value).toBe(`x${'😀'.repeat(99)}…`);
  });

  it('builds no more pending settings than it has room for', () => {
    const made = { pump: 0, remote: 0 };
    const linkWith = (name: 'pump' | 'remote'): LinkView => ({
      name,
      pendingCount: 5_000,
      summary: () => linkOf(name, []),
      *pending(from) {
        const [setting] = pendingOf(1, 'x');
        for (let n = from; n < 5_000; n++) {
          made[name] += 1;
          yield setting!;
        }
      },
    });
    const view = { ...viewOf(statusOf([])), links: [linkWith('pump'), linkWith('remote')] };
    const [page] = statusPage(view, { link: 'remote', pendingFrom: 1_000 }, 32_768).links;
    expect(made).toEqual({ pump: 0, remote: page!.pending.length + 1 });
    expect(page!.pendingLeft).toBe(4_000 - page!.pending.length);
  });

  it('has as many of 200 links as fit, and says how many are left', () => {
    const links = Array.from({ length: 200 }, (_, n) => linkOf(`link ${n}`, pendingOf(20, 'x')));
    const page = statusPage(viewOf(statusOf(links)), {}, 32_768);
    expect(page.links.length + page.linksLeft!).toBe(200);
    const all = paged(statusOf(links), 32_768);
    expect(all.links.map(({ name }) => name)).toEqual(links.map(({ name }) => name));
    expect(all.links.every(({ pending }) => pending.length === 20)).toBe(true);
  });

  it('is still an answer where not even one link fits', () => {
    const page = statusPage(viewOf(statusOf([linkOf('pump', [])])), {}, 300);
    expect(page.links).toEqual([]);
    expect(page.linksLeft).toBe(1);
  });
});
