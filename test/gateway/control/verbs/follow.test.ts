import { describe, expect, it } from 'vitest';
import type { Control, LogsReply } from '../../../../src/gateway/control/control.js';
import { readLogs } from '../../../../src/gateway/control/read-logs.js';
import { followVerb } from '../../../../src/gateway/control/verbs/follow.js';
import { logsVerb } from '../../../../src/gateway/control/verbs/logs.js';
import type { StreamAsker } from '../../../../src/gateway/control/verbs/verb.js';
import { LogRing } from '../../../../src/session/node/log-ring.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { settled } from '../../support.js';

type Page = Extract<LogsReply, { state: 'logs' }>;

function rig(most = 1_000) {
  const clock = new FakeClock();
  const links = new Map([['pump', new LogRing(() => most, clock)]]);
  const removals = new Set<() => void>();
  const control: Pick<Control, 'logs' | 'watchRemovals'> = {
    watchRemovals: (_link, removed) => {
      removals.add(removed);
      return () => void removals.delete(removed);
    },
    logs: (request, mostBytes) => {
      const ring = links.get(request.link);
      if (ring === undefined) return { state: 'refused', reason: 'no such link' };
      return readLogs(ring, request, mostBytes, clock);
    },
  };
  const face = { control: control as Control, clock, mostBytes: () => 65_536 };
  const replies: LogsReply[] = [];
  const gone = new AbortController();
  const asker: StreamAsker & { isReady: boolean } = {
    isReady: true,
    onReady: undefined,
    reply: (answer) => void replies.push(JSON.parse(Buffer.from(answer).toString()) as LogsReply),
    until: gone.signal,
  };
  const ring = links.get('pump') as LogRing;
  const follow = (request: object): { ended: boolean } => {
    const state = { ended: false };
    const answered = followVerb(face)(Buffer.from(JSON.stringify(request)), asker);
    void Promise.resolve(answered).then(() => (state.ended = true));
    return state;
  };
  const pages = (): Page[] => replies.filter((reply) => reply.state === 'logs');
  const texts = (): string[] => pages().flatMap(({ lines }) => lines.map(({ text }) => text));
  const remove = (): void => {
    links.clear();
    for (const removed of removals) removed();
  };
  return { remove, removals, clock, ring, links, face, asker, gone, replies, follow, pages, texts };
}

describe('the verb follow', () => {
  it('tells what is there, then what comes, once each; nothing runs when the asker has gone', async () => {
    const { ring, clock, gone, follow, texts, replies } = rig();
    ring.add('a\nb');
    const state = follow({ link: 'pump' });
    ring.add('W: c');
    clock.advance(1_000);
    ring.add('d');
    clock.advance(1_000);
    expect(texts()).toEqual(['a', 'b', 'W: c', 'd']);
    const before = replies.length;
    clock.advance(60_000);
    expect(replies).toHaveLength(before);
    gone.abort();
    await settled();
    expect([state.ended, clock.pendingTimers]).toEqual([true, 0]);
  });

  it('says at once that the link was found, though it has no lines', () => {
    const { follow, replies } = rig();
    follow({ link: 'pump' });
    expect(replies).toMatchObject([{ state: 'logs', lines: [], lost: 0 }]);
  });

  it('lets a slow reader lose lines, says how many, and holds nothing for them', () => {
    const { ring, clock, asker, follow, pages, texts } = rig(100);
    follow({ link: 'pump' });
    ring.add('first');
    clock.advance(1_000);
    asker.isReady = false;
    for (let n = 0; n < 5_000; n++) ring.add(`line ${n}`);
    clock.advance(10_000);
    expect(texts()).toEqual(['first']);
    asker.isReady = true;
    asker.onReady?.();
    expect(pages().at(-1)?.lost).toBe(4_900);
    expect(texts()).toHaveLength(101);
    ring.add('last');
    clock.advance(1_000);
    expect(texts().at(-1)).toBe('last');
  });

  it('ends with the reason when the link is removed', async () => {
    const { remove, removals, clock, follow, replies } = rig();
    const state = follow({ link: 'pump' });
    remove();
    await settled();
    expect(replies.at(-1)).toEqual({ state: 'refused', reason: 'no such link' });
    expect([state.ended, clock.pendingTimers, removals.size]).toEqual([true, 0, 0]);
  });

  it('goes on when the link is away for a while and made anew', async () => {
    const { ring, links, clock, follow, replies, texts } = rig();
    const state = follow({ link: 'pump' });
    links.clear();
    clock.advance(10_000);
    ring.add('meanwhile');
    links.set('pump', ring);
    clock.advance(1_000);
    await settled();
    expect([state.ended, replies.length, texts()]).toEqual([false, 2, ['meanwhile']]);
  });

  it('refuses a link that is not there, also to one who goes on after a restart', async () => {
    const { ring, links, clock, follow, replies, removals } = rig();
    links.clear();
    const state = follow({ link: 'pump', after: { of: ring.id, place: 0, time: '0' } });
    await settled();
    expect(replies).toEqual([{ state: 'refused', reason: 'no such link' }]);
    expect([state.ended, clock.pendingTimers, removals.size]).toEqual([true, 0, 0]);
  });

  it('answers one who goes on at once, though nothing is new', () => {
    const { ring, follow, replies } = rig();
    follow({ link: 'pump', after: { of: ring.id, place: 0, time: '0' } });
    expect(replies).toMatchObject([{ state: 'logs', lines: [] }]);
  });

  it('goes on after a restart of the gateway behind the last line that was told', () => {
    const first = rig();
    first.ring.add('old');
    first.clock.advance(5);
    first.ring.add('told');
    first.follow({ link: 'pump' });
    const { next } = first.pages()[0] ?? {};
    const second = rig();
    second.clock.advance(60_000);
    const restarted = new LogRing(() => 1_000, second.clock);
    restarted.restore(first.ring.newest(200, 65_536));
    restarted.add('new');
    second.links.set('pump', restarted);
    second.follow({ link: 'pump', after: next });
    expect(second.texts()).toEqual(['new']);
  });
});

describe('the verb logs', () => {
  const ask = (face: ReturnType<typeof rig>['face'], request: object): LogsReply => {
    let answer: Uint8Array = new Uint8Array();
    const until = new AbortController().signal;
    void logsVerb(face)(Buffer.from(JSON.stringify(request)), {
      reply: (bytes) => (answer = bytes),
      until,
    });
    return JSON.parse(Buffer.from(answer).toString()) as LogsReply;
  };

  it('answers in pages that a message has room for, which together have all lines', () => {
    const { face, ring } = rig();
    const lines = Array.from({ length: 700 }, (_, n) => `line ${n}:${'"x'.repeat(n % 90)}`);
    for (const line of lines) ring.add(line);
    const seen: string[] = [];
    const small = { ...face, mostBytes: () => 8_192 };
    let after: object | undefined;
    for (let more = true; more;) {
      const page = ask(small, { link: 'pump', ...(after === undefined ? {} : { after }) });
      if (page.state === 'refused') throw new Error(page.reason);
      expect(JSON.stringify(page).length).toBeLessThanOrEqual(8_192);
      expect(page.lines.length).toBeGreaterThan(0);
      seen.push(...page.lines.map(({ text }) => text));
      after = page.next;
      more = page.more;
    }
    expect(seen).toEqual(lines);
  });

  it('takes the age from the gateway’s clock, and the level with it', () => {
    const { face, ring, clock } = rig();
    ring.add('E: old');
    clock.advance(600_000);
    ring.add('E: new');
    ring.add('I: new');
    expect(ask(face, { link: 'pump', sinceMs: 1_000, level: 'warn' })).toMatchObject({
      lines: [{ level: 'error', text: 'E: new', time: String(clock.wallNs()) }],
    });
  });

  it.each([
    {},
    { link: 1 },
    { link: 'pump', level: 'loud' },
    { link: 'pump', sinceMs: -1 },
    { link: 'pump', after: { of: 'x', place: 1.5, time: '1' } },
    { link: 'pump', after: { of: 'x', place: 1, time: '1e9' } },
    { link: 'none' },
  ])('refuses %j', (request) => {
    expect(ask(rig().face, request)).toMatchObject({ state: 'refused' });
  });

  it('takes a place beyond all lines for one behind the last', () => {
    const { face, ring } = rig();
    ring.add('a');
    const after = { of: ring.id, place: 2 ** 52, time: '0' };
    expect(ask(face, { link: 'pump', after })).toMatchObject({ lines: [], lost: 0, more: false });
  });
});
