import { expect, it } from 'vitest';
import { Limits } from '../../../src/gateway/link/limits.js';
import { Counters } from '../../../src/session/node/counters.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLog, type Said } from '../../support/recording-log.js';

it('a limit is reported when it begins, with what to do, and ends a minute after its counter last grew', () => {
  const clock = new FakeClock();
  const said: Said[] = [];
  const log = recordingLog(said);
  const counters = new Counters(clock, log);
  let changes = 0;
  const limits = new Limits(counters, clock, log, { limitsChanged: () => void (changes += 1) });
  limits.look();
  expect([limits.advice(), changes]).toEqual([[], 0]);

  counters.notice('delayedSetting', 3);
  said.length = 0;
  limits.look();
  const advice =
    'points of this link are set faster than its device acknowledges them, or too many new ones at once: ' +
    'they wait, and of each only the latest is used. Find out who publishes them, and how often';
  expect(said).toEqual([
    { level: 'warn', fields: { limited: 'settings', total: 3 }, message: advice },
  ]);
  expect([limits.advice(), changes]).toEqual([[advice], 1]);

  clock.advance(59_000);
  limits.look();
  expect(limits.all().get('settings')).toBe(true);
  clock.advance(1_000);
  limits.look();
  expect([limits.all().get('settings'), limits.advice(), changes]).toEqual([false, [], 2]);
  expect(said.at(-1)?.message).toBe('the link is no longer limited');
});
