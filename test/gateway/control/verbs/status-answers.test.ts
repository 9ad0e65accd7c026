import { expect, it } from 'vitest';
import type { Control, GatewayView } from '../../../../src/gateway/control/control.js';
import { StatusAnswers } from '../../../../src/gateway/control/verbs/status-answers.js';
import { TimeBudget } from '../../../../src/gateway/control/time-budget.js';
import type { StatusReply } from '../../../../src/gateway/control/verbs/status-request.js';
import { FakeClock } from '../../../support/fake-clock.js';
import type { LinkSummary, LinkView } from '../../../../src/gateway/link/status.js';

function rig() {
  const clock = new FakeClock();
  let made = 0;
  const view = (): GatewayView => {
    made += 1;
    // It takes so long, on a slow machine.
    clock.advance(100);
    const name = `of ${made}`;
    const summary = () => ({ name }) as LinkSummary;
    const link: LinkView = { name, pendingCount: 0, summary, pending: () => [] };
    const view = { gateway: { id: 'gw', description: '', version: '1' }, links: [link] };
    return view as unknown as GatewayView;
  };
  const control = { view, statusTime: new TimeBudget(200, clock) } as unknown as Control;
  const answers = new StatusAnswers({ control, clock, mostBytes: () => 65_536 });
  const links = (asked: Parameters<StatusAnswers['answer']>[0]): string[] =>
    (JSON.parse(Buffer.from(answers.answer(asked)).toString()) as StatusReply).links.map(
      ({ name }) => name,
    );
  return { clock, links, made: () => made };
}

it('a client that asks without end gets a status of a moment ago', () => {
  const { clock, links, made } = rig();
  for (let n = 0; n < 1_000; n++) links({});
  expect(made()).toBe(2);
  expect(links({})).toEqual(['of 2']);
  clock.advance(1_000);
  expect(links({})).toEqual(['of 3']);
});

it('further pages asked for without end leave time for others: each is answered, without links where no time is left', () => {
  const { clock, links, made } = rig();
  expect(links({})).toEqual(['of 1']);
  clock.advance(1_000);
  for (let n = 0; n < 1_000; n++) links({ link: 'of 1', pendingFrom: 1 });
  expect(made()).toBe(3);
  expect(links({ linksFrom: 1 })).toEqual([]);
  // In each second one that is new, though others have had all the time.
  expect(links({})).toEqual(['of 4']);
  expect(links({})).toEqual(['of 4']);
});

it('the status is there at once, though only further pages were asked for before', () => {
  const { links, made } = rig();
  for (let n = 0; n < 1_000; n++) links({ link: 'of 1' });
  expect(made()).toBe(3);
  expect(links({})).toEqual(['of 3']);
});
