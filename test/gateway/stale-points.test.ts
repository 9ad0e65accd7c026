/** A point that its device does not report any more, from a PTY to SIOT. */
import { expect, it } from 'vitest';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { GatewayUnderTest, openDevice, startStore } from './plant.js';

const nats = useNats();

it('is stale in SIOT once it is older than its maxAge, and is not any more with the next report', async () => {
  const store = await startStore(nats);
  const device = await openDevice();
  const points = { temp: { maxAge: 0.5 } };
  const link = { name: 'pump', transport: device.transport, protocol: 'compact', points };
  const document = { nats: { servers: nats.url }, links: [link] };
  const gateway = await new GatewayUnderTest(tempDir(), document).start();
  await gateway.ready('pump');
  const nodeId = gateway.nodeId('pump');
  await device.report('temp', 1, 'motor');
  await device.report('flow', 1);
  const stale = (number: number) =>
    store.waitForPoint(nodeId, 'gatewayStale', 'temp/motor', (point) => point.number === number);
  await stale(1);
  expect(gateway.link('pump').stale).toEqual(['temp/motor']);
  expect(gateway.link('pump').advice.join()).toContain('temp/motor');
  expect(gateway.counter('stale')).toBe(1);
  await device.report('temp', 2, 'motor');
  await stale(0);
  await until(() => gateway.counter('stale') >= 2, 'the point to be stale again');
  // What has no maxAge is never stale.
  const types = store.points(nodeId).filter(({ type }) => type === 'gatewayStale');
  expect(types.map(({ key }) => key)).toEqual(['temp/motor']);
});
