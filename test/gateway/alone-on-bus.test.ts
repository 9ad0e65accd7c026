/** A CAN link whose device has gone: its controller repeats the first frames for days, and takes no more. */
import { expect, it } from 'vitest';
import type { LinkConfig } from '../../src/gateway/config/config.js';
import { Scheduler } from '../../src/gateway/link/scheduler.js';
import { createSession } from '../../src/gateway/link/sessions.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import type { DeviceSessionHost } from '../../src/session/device-session.js';
import { PointBudget } from '../../src/session/node/point-quota.js';
import { CanBuses } from '../../src/transport/can/bus.js';
import { CanTransport } from '../../src/transport/can/can.js';
import { Tap } from '../../src/transport/tap.js';
import { FakeClock } from '../support/fake-clock.js';
import { CLASSIC } from '../support/isotp-bus.js';
import { FakeCan } from '../transport/can/fake-can.js';

const HOUR_MS = 3_600_000;
const CAN = { interface: 'can0', txId: 0x123, rxId: 0x124, extendedIds: false, fd: false };
const LINK = {
  name: 'alone',
  commands: [],
  maxPoints: 100,
  silenceTimeoutMs: 0,
  ackTimeoutMs: 1000,
  maxFrameLength: 1024,
  restore: true,
};
const HOST: DeviceSessionHost = {
  report: () => 'taken',
  connected: () => undefined,
  settingChanged: () => undefined,
  settingReported: () => undefined,
  namesChanged: () => undefined,
  staleChanged: () => undefined,
  changed: () => undefined,
  saved: (then) => then(true),
};

/** A session with ten settings that wait, as a link has it. */
function linkOn(can: FakeCan, clock: FakeClock, framing: 'cobs' | 'isotp', auto: boolean) {
  const { session, channel, connect } = createSession(
    {
      config: {
        ...LINK,
        protocol: auto ? 'auto' : 'compact',
        transport: { type: 'can', ...CAN, framing, isotp: CLASSIC },
      } as unknown as LinkConfig,
      transport: new CanTransport({ ...CAN, bitRateSwitch: false }, clock, new CanBuses(can)),
      scheduler: new Scheduler(clock),
      budget: new PointBudget(1000),
      clock,
      random: () => 0,
      log: SILENT_LOG,
      record: { session: auto ? {} : { acknowledges: 'yes' } },
      tap: new Tap(clock),
    },
    HOST,
  );
  const slot = connect(
    {
      opened: () => session.opened(),
      discarded: () => undefined,
      closed: () => {
        slot.clear();
        session.closed();
      },
    },
    { inputLimited: () => undefined },
  );
  for (let at = 0; at < 10; at += 1) {
    const value = { type: `s${at}`, key: '', value: floatValue(at), origin: 'u' };
    session.settings.set(makePoint({ ...value, time: clock.wallNs() }));
  }
  channel.start();
  return session;
}

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
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
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
