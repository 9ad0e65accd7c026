import { expect, it } from 'vitest';
import { RateMeter } from '../../../src/gateway/link/rate-meter.js';
import { Counters } from '../../../src/session/node/counters.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { FakeClock } from '../../support/fake-clock.js';

it('measures from one look to the next, and not over a moment', () => {
  const clock = new FakeClock();
  const counters = new Counters(clock, SILENT_LOG);
  counters.rx = 100;
  const meter = new RateMeter(counters, clock);
  counters.rx += 5;
  clock.advance(999);
  meter.measure();
  expect(meter.rates.rx).toBe(0);
  counters.points += 7;
  clock.advance(1_001);
  meter.measure();
  expect(meter.rates).toEqual({ points: 3.5, sentPoints: 0, rx: 2.5, tx: 0, hrRx: 0 });
  clock.advance(5_000);
  meter.measure();
  expect(meter.rates).toEqual({ points: 0, sentPoints: 0, rx: 0, tx: 0, hrRx: 0 });
});
