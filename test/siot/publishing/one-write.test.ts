/** What a point costs on the way to NATS: how many writes, and when it is confirmed. */
import { Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { DiskOutbox } from '../../../src/outbox/disk-outbox.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { FakeClock } from '../../support/fake-clock.js';
import { until } from '../../support/until.js';
import { SimDisk } from '../../outbox/sim-disk.js';
import { cleanup, NODE_ID, point, startNats, startSiot, type Rig } from '../harness.js';

it('points of several links leave in one write with the PING that confirms them, and are acknowledged by its answer', async () => {
  const disk = new SimDisk();
  // It stands still: whatever is confirmed is not confirmed by a timer.
  const clock = new FakeClock();
  const outbox = await DiskOutbox.open({
    folder: disk,
    maxBytes: 1 << 20,
    clock,
    log: SILENT_LOG,
    reasonOf: String,
  });
  const rig = startSiot(await startNats(), {
    clock,
    outbox: outbox as unknown as Rig['outbox'],
    store: 'none',
    generation: 2,
  });
  const { siot } = rig;
  await until(() => siot.status.nats === 'connected', 'connected');
  const write = vi.spyOn(Socket.prototype, 'write');
  cleanup(() => write.mockRestore());
  const nodes = [NODE_ID, 'dev-2', 'dev-3'];
  const safe: string[] = [];
  for (const node of nodes) {
    outbox.lane(node).put([point('temp', 1), point('flow', 2)], () => safe.push(node));
  }
  await until(() => safe.length === nodes.length, 'acknowledged');
  const texts = write.mock.calls.map(([chunk]) => Buffer.from(chunk).toString('latin1'));
  const published = texts.filter((text) => text.includes('PUB p.dev'));
  expect(published).toHaveLength(1);
  expect(published[0]?.match(/PUB p\.dev-\d\.(temp|flow)\.0 /g)).toHaveLength(6);
  expect(published[0]).toMatch(/PING\r\n$/);
  expect(disk.calls).toEqual([]);
});
