import { describe, expect, it } from 'vitest';
import { LimitedLog, MOST_LINES_A_MINUTE } from '../../src/point/limited-log.js';
import { LogRateLimiter } from '../../src/point/log-rate-limiter.js';
import { FakeClock } from '../support/fake-clock.js';
import { recordingLog, type Said } from '../support/recording-log.js';

describe('a message that may come all the time', () => {
  it('is logged at once, then once a minute, with how often it came', () => {
    const clock = new FakeClock();
    const limiter = new LogRateLimiter(clock);
    expect(limiter.due('a')).toBe(1);
    for (let i = 0; i < 59; i += 1) {
      clock.advance(1_000);
      expect(limiter.due('a')).toBe(0);
    }
    expect(limiter.due('b', 7)).toBe(7);
    clock.advance(1_000);
    expect(limiter.due('a')).toBe(60);
    expect(limiter.due('a')).toBe(0);
  });

  it('is logged no more often, in no more memory, whatever names others use', () => {
    const clock = new FakeClock();
    const limiter = new LogRateLimiter(clock, { most: 10 });
    let told = 0;
    for (let i = 0; i < 100_000; i += 1) {
      if (limiter.due(`invented ${String(i)}`) > 0) told += 1;
      expect(limiter.keys).toBeLessThanOrEqual(11);
      if (i % 1_000 === 0) clock.advance(1_000);
    }
    // Nearly two minutes.
    expect(told).toBeLessThanOrEqual(2 * 11);
    clock.advance(60_000);
    expect(limiter.due('anew')).toBe(1);
  });
});

describe('the log of a link', () => {
  const limited = (links = 1): { clock: FakeClock; said: Said[]; log: LimitedLog } => {
    const clock = new FakeClock();
    const said: Said[] = [];
    return { clock, said, log: new LimitedLog(recordingLog(said), clock, { links }) };
  };

  it('has a line a few times at once, then once a minute, with how many were left out', () => {
    const { clock, said, log } = limited();
    for (let i = 0; i < 600; i += 1) {
      log.warn({ port: 'ttyUSB0' }, 'port is gone');
      clock.advance(1_000);
    }
    expect(said.length).toBeLessThanOrEqual(5 + 10);
    const leftOut = said.reduce(
      (sum, { fields }) => sum + ((fields as { leftOut?: number }).leftOut ?? 0),
      0,
    );
    expect(said.length + leftOut).toBeGreaterThan(600 - 60);
    expect(said.at(-1)!.fields).toEqual({ port: 'ttyUSB0', leftOut: 59 });
  });

  it('has what differs, as long as it is not too much', () => {
    const { said, log } = limited();
    for (let i = 0; i < 20; i += 1) log.warn({ type: `type-${String(i)}` }, 'set aside');
    expect(said).toHaveLength(20);
    for (let i = 20; i < 5_000; i += 1) log.warn({ type: `type-${String(i)}` }, 'set aside');
    expect(said).toHaveLength(20);
    log.warn({}, 'something else');
    expect(said).toHaveLength(21);
  });

  it('is bounded, whatever is logged', () => {
    const { clock, said, log } = limited();
    for (let minute = 0; minute < 5; minute += 1) {
      const before = said.length;
      for (let i = 0; i < 6_000; i += 1) {
        log.info({ i }, `the ${String.fromCharCode(97 + (i % 26))}th ${'x'.repeat(i % 40)}`);
        clock.advance(10);
      }
      expect(said.length - before).toBeLessThanOrEqual(MOST_LINES_A_MINUTE);
    }
  });

  it('takes no lines from the log of another', () => {
    const { said, log } = limited(2);
    const [pump, fan] = [log.child({ link: 'pump' }), log.child({ link: 'fan' })];
    for (let i = 0; i < 1_000; i += 1) pump.warn({ i }, `says ${'x'.repeat(i % 50)}`);
    const before = said.length;
    fan.warn({}, 'port is gone');
    log.error({}, 'NATS is gone');
    expect(said).toHaveLength(before + 2);
  });

  it('repeats after a minute a line that was left out and not repeated since: it may be the present state', () => {
    const { clock, said, log } = limited();
    const pump = log.child({ link: 'pump' });
    for (let i = 0; i < 20; i += 1) {
      pump.info({}, 'port is open');
      pump.warn({ port: 'ttyUSB0' }, 'port is gone');
    }
    pump.info({}, 'port is open');
    expect(said).toHaveLength(10);
    clock.advance(59_999);
    log.tellLeftOut();
    expect(said).toHaveLength(10);
    clock.advance(1);
    log.tellLeftOut();
    expect(said.slice(10)).toMatchObject([
      { level: 'info', fields: { leftOut: 31, last: 'port is open', agoS: 60 } },
    ]);
    clock.advance(600_000);
    log.tellLeftOut();
    expect(said).toHaveLength(11);
  });

  it('does so at the end too, but not for what a later line has said', () => {
    const { clock, said, log } = limited();
    for (let i = 0; i < 8; i += 1) log.warn({}, 'set aside');
    log.tellLeftOut(true);
    expect(said.at(-1)).toMatchObject({ level: 'warn', fields: { leftOut: 3, last: 'set aside' } });
    for (let i = 0; i < 3; i += 1) log.warn({}, 'set aside');
    clock.advance(60_000);
    log.warn({}, 'set aside');
    expect(said.at(-1)!.fields).toHaveProperty('leftOut');
    const before = said.length;
    log.tellLeftOut(true);
    expect(said).toHaveLength(before);
  });
});
