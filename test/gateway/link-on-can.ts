import type { LinkConfig } from '../../src/gateway/config/config.js';
import { formatOf } from '../../src/gateway/link/format.js';
import { Scheduler } from '../../src/gateway/link/scheduler.js';
import { createSession } from '../../src/gateway/link/sessions.js';
import { SILENT_LOG } from '../../src/point/log.js';
import type { DeviceSession, DeviceSessionHost } from '../../src/session/device-session.js';
import { PointBudget } from '../../src/session/node/point-quota.js';
import { CanBuses } from '../../src/transport/can/bus.js';
import { CanTransport } from '../../src/transport/can/can.js';
import { Tap } from '../../src/transport/tap.js';
import type { FakeClock } from '../support/fake-clock.js';
import { CLASSIC } from '../support/isotp-bus.js';
import type { FakeCan } from '../transport/can/fake-can.js';

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
  stream: () => 'taken',
  report: (_points, safe) => {
    safe();
    return 'taken';
  },
  connected: () => undefined,
  settingChanged: () => undefined,
  settingReported: () => undefined,
  deviceRestarted: () => undefined,
  logged: () => undefined,
  settingAcknowledged: () => undefined,
  namesChanged: () => undefined,
  staleChanged: () => undefined,
  changed: () => undefined,
  saved: (then) => then(true),
};

/** A link on a CAN bus, whose channel is still to be started. `auto`: its codec is not known. */
export function canLink(
  can: FakeCan,
  clock: FakeClock,
  framing: 'cobs' | 'isotp',
  auto: boolean,
  tap = new Tap(clock),
) {
  const config = {
    ...LINK,
    protocol: auto ? 'auto' : 'compact',
    transport: { type: 'can', ...CAN, framing, isotp: CLASSIC },
  } as unknown as LinkConfig;
  const transport = new CanTransport({ ...CAN, bitRateSwitch: false }, clock, new CanBuses(can));
  const { session, channel, connect } = createSession(
    {
      config,
      transport,
      scheduler: new Scheduler(clock),
      budget: new PointBudget(1000),
      clock,
      random: () => 0,
      log: SILENT_LOG,
      record: { session: auto ? {} : { acknowledges: 'yes' } },
      tap,
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
  return { session, channel, format: formatOf(config, transport) };
}

/** The session of such a link; its channel is opened in the next turn. */
export function linkOn(
  can: FakeCan,
  clock: FakeClock,
  framing: 'cobs' | 'isotp',
  auto: boolean,
): DeviceSession {
  const { session, channel } = canLink(can, clock, framing, auto);
  channel.start();
  return session;
}
