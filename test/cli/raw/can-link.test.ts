/** A link's real session on a CAN bus that the test plays: what `watch --raw` shows of it. */
import { expect, it } from 'vitest';
import { RawDecoder } from '../../../src/cli/raw/decoder.js';
import { textLines } from '../../../src/cli/raw/text.js';
import { rawEvent, trafficEvent } from '../../../src/gateway/control/verbs/raw-message.js';
import type { LinkConfig } from '../../../src/gateway/config/config.js';
import { formatOf } from '../../../src/gateway/link/format.js';
import { Scheduler } from '../../../src/gateway/link/scheduler.js';
import { createSession } from '../../../src/gateway/link/sessions.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import type { DeviceSessionHost } from '../../../src/session/device-session.js';
import { PointBudget } from '../../../src/session/node/point-quota.js';
import { CanBuses } from '../../../src/transport/can/bus.js';
import { CanTransport } from '../../../src/transport/can/can.js';
import { Tap } from '../../../src/transport/tap.js';
import { encodePacket, POINT_CODECS } from '../../../firmware-sim/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { CLASSIC } from '../../support/isotp-bus.js';
import { settled } from '../../gateway/support.js';
import { FakeCan } from '../../transport/can/fake-can.js';

const CAN = { interface: 'can0', txId: 0x123, rxId: 0x124, extendedIds: false, fd: false };
const HOST: DeviceSessionHost = {
  report: (_points, safe) => {
    safe();
    return 'taken';
  },
  connected: () => undefined,
  settingChanged: () => undefined,
  settingReported: () => undefined,
  namesChanged: () => undefined,
  staleChanged: () => undefined,
  changed: () => undefined,
  saved: (then) => then(true),
};

/** A link with its session, as the gateway makes it. */
function link(can: FakeCan, clock: FakeClock, tap: Tap) {
  const config = {
    name: 'pump',
    commands: [],
    maxPoints: 100,
    silenceTimeoutMs: 0,
    ackTimeoutMs: 1000,
    maxFrameLength: 1024,
    restore: true,
    protocol: 'auto',
    transport: { type: 'can', ...CAN, framing: 'isotp', isotp: CLASSIC },
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
      record: {},
      tap,
    },
    HOST,
  );
  const handler = {
    opened: () => session.opened(),
    discarded: () => undefined,
    closed: () => session.closed(),
  };
  connect(handler, { inputLimited: () => undefined });
  return { channel, format: formatOf(config, transport) };
}

it('packets in ISO-TP: each frame with its identifier, flow control, and the ack with its round trip', async () => {
  const [can, clock] = [new FakeCan(), new FakeClock()];
  const tap = new Tap(clock);
  const { channel, format } = link(can, clock, tap);
  const lines: string[] = [];
  const decoder = new RawDecoder(format, (found) => {
    lines.push(...textLines(found, false).map((line) => line.slice(13)));
  });
  // As it crosses the socket.
  const end = tap.observe({ tapped: (event) => decoder.event(trafficEvent(rawEvent(event))) });
  channel.start();
  await clock.advanceAsync(10);
  const value = { type: 't', key: '', time: 0n, value: 4, tombstone: 0, origin: '' };
  const payload = POINT_CODECS.compact.encode([value]);
  const packet = encodePacket({ sequence: 5, subject: '', payload });
  can.hear(0x124, [0x10, packet.length, ...packet.subarray(0, 6)]);
  for (let at = 6, count = 1; at < packet.length; at += 7, count += 1) {
    can.hear(0x124, [0x20 | count, ...packet.subarray(at, at + 7)]);
  }
  await clock.advanceAsync(2);
  // The device lets the time through, and then the ack.
  can.hear(0x124, [0x30, 0, 0]);
  await clock.advanceAsync(2);
  can.hear(0x124, [0x30, 0, 0]);
  await clock.advanceAsync(2);
  end();
  can.hear(0x124, [0x01, 0x02]);
  await channel.stop();
  await settled();
  expect(tap.isObserved).toBe(false);
  const shown = lines.map((line) => line.replace(/(?<=#\w\w)\w+/, '…'));
  const continued = (arrow: string, id: string, most: number): string[] =>
    Array.from(
      { length: most },
      (_, at) => `${arrow} ${id}#2${at + 1}…  consecutive frame ${at + 1}`,
    );
  const flowControl = 'flow control: continue, block size 0, STmin 0 ms';
  expect(shown.filter((line) => !line.startsWith('--'))).toEqual([
    `▲ 124#10…  first frame of ${packet.length} bytes`,
    `▼ 123#30…  ${flowControl}`,
    ...continued('▲', '124', 7),
    `▲ points   seq 5   ${packet.length} B  t = 4`,
    '▼ 123#10…  first frame of 52 bytes',
    `▲ 124#30…  ${flowControl}`,
    ...continued('▼', '123', 7),
    expect.stringMatching(/^▼ timeSync seq 1 {3}52 B {2}subject "proto" {2}2026-01-02T03/),
    '▼ 123#10…  first frame of 23 bytes',
    `▲ 124#30…  ${flowControl}`,
    ...continued('▼', '123', 3),
    '▼ ack      seq 5   23 B  4 ms after the packet',
  ]);
});
