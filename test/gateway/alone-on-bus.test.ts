/** A CAN link whose device has gone: its controller repeats the first frames for days, and takes no more. */
import { expect, it } from 'vitest';
import { floatValue, makePoint } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeCan } from '../transport/can/fake-can.js';
import { linkOn } from './link-on-can.js';
import { settled } from './support.js';

const HOUR_MS = 3_600_000;

it.each<[string, 'cobs' | 'isotp', boolean]>([
  ['cobs', 'cobs', false],
  ['isotp', 'isotp', false],
  ['cobs, codec unknown', 'cobs', true],
  ['isotp, codec unknown', 'isotp', true],
])(
  '%s: what cannot be sent does not pile up, and is not sent all at once later',
  async (_what, framing, auto) => {
    const can = new FakeCan();
    const clock = new FakeClock();
    const session = linkOn(can, clock, framing, auto);
    for (let at = 0; at < 10; at += 1) {
      const value = { type: `s${at}`, key: '', value: floatValue(at), origin: 'u' };
      session.settings.set(makePoint({ ...value, time: clock.wallNs() }));
    }
    await settled();
    await settled();
    const attemptsBefore = session.state.counters.tx;
    can.full = true;
    clock.advance(6 * HOUR_MS);
    // It has tried, and knows that it cannot.
    expect(session.state.counters.tx).toBeGreaterThan(attemptsBefore);
    can.sent.length = 0;
    can.full = false;
    clock.advance(1000);
    expect(can.sent.length).toBeLessThan(30);
    // It goes on trying, with what is true then.
    can.sent.length = 0;
    clock.advance(60_000);
    expect(can.sent.length).toBeGreaterThan(0);
  },
);
