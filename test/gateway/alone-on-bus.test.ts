/** A CAN link whose device has gone: its controller repeats the first frames for days, and takes no more. */
import { expect, it } from 'vitest';
import { createFraming, type FramingConfig } from '../../src/framing/framings.js';
import { ChannelKeeper } from '../../src/gateway/link/channel-keeper.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import type { DeviceSessionHost } from '../../src/session/device-session.js';
import { NodeState } from '../../src/session/node-state.js';
import { PointBudget } from '../../src/session/node/point-quota.js';
import { PacketSession } from '../../src/session/packets/session.js';
import { CanBuses } from '../../src/transport/can/bus.js';
import { CanTransport } from '../../src/transport/can/can.js';
import { FakeClock } from '../support/fake-clock.js';
import { CLASSIC } from '../support/isotp-bus.js';
import { FakeCan } from '../transport/can/fake-can.js';

const HOUR_MS = 3_600_000;
const CAN = { interface: 'can0', txId: 0x123, rxId: 0x124, extendedIds: false, fd: false };
const NODE = { commands: [], maxPoints: 100, silenceTimeoutMs: 0 };

/** A session with ten settings that wait, as a link has it. */
function linkOn(can: FakeCan, clock: FakeClock, config: FramingConfig, auto: boolean) {
  const framing = createFraming(config);
  const host: DeviceSessionHost = {
    write: (bytes) => keeper.write(bytes),
    congested: () => keeper.congested,
    report: () => 'taken',
    connected: () => undefined,
    settingChanged: () => undefined,
    settingReported: () => undefined,
    namesChanged: () => undefined,
    changed: () => undefined,
    saved: (then) => then(true),
  };
  const state = new NodeState(host, NODE, clock, SILENT_LOG, new PointBudget(1000), []);
  const session = new PacketSession(
    host,
    {
      ackTimeoutMs: 1000,
      protocol: auto ? 'auto' : 'compact',
      framing,
      retries: 3,
      maxFrameLength: 1024,
      restore: true,
    },
    state,
    clock,
    SILENT_LOG,
    auto ? {} : { acknowledges: 'yes' },
  );
  const bare = new CanTransport({ ...CAN, bitRateSwitch: false }, clock, new CanBuses(can));
  const over = framing.over?.(bare, {
    clock,
    maxFrameLength: 1024,
    discard: (cause) => session.state.counters.discard(cause, {}),
  });
  const keeper: ChannelKeeper = new ChannelKeeper(
    over ?? bare,
    session,
    {
      opened: () => session.opened(),
      discarded: () => undefined,
      closed: () => session.closed(),
    },
    clock,
    SILENT_LOG,
  );
  for (let at = 0; at < 10; at += 1) {
    const value = { type: `s${at}`, key: '', value: floatValue(at), origin: 'u' };
    session.set(makePoint({ ...value, time: clock.wallNs() }));
  }
  keeper.start();
  return session;
}

it.each<[string, FramingConfig, boolean]>([
  ['cobs', { framing: 'cobs' }, false],
  ['isotp', { framing: 'isotp', isotp: CLASSIC }, false],
  ['cobs, codec unknown', { framing: 'cobs' }, true],
  ['isotp, codec unknown', { framing: 'isotp', isotp: CLASSIC }, true],
])(
  '%s: what cannot be sent does not pile up, to go out all at once',
  async (_what, config, auto) => {
    const can = new FakeCan();
    const clock = new FakeClock();
    const session = linkOn(can, clock, config, auto);
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
