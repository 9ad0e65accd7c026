/** A link's real session on a CAN bus that the test plays: what `watch --raw` shows of it. */
import { expect, it } from 'vitest';
import { RawDecoder } from '../../../src/cli/raw/decoder.js';
import { textLines } from '../../../src/cli/raw/text.js';
import { rawEvent, trafficEvent } from '../../../src/gateway/control/verbs/raw-message.js';
import { Tap } from '../../../src/transport/tap.js';
import { encodePacket, POINT_CODECS } from '../../../firmware-sim/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { canLink } from '../../gateway/link-on-can.js';
import { settled } from '../../gateway/support.js';
import { FakeCan } from '../../transport/can/fake-can.js';

it('packets in ISO-TP: each frame with its identifier, flow control, and the ack with its round trip', async () => {
  const [can, clock] = [new FakeCan(), new FakeClock()];
  const tap = new Tap(clock);
  const { channel, format } = canLink(can, clock, 'isotp', true, tap);
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
