/** A link whose controller gets into the error states of CAN; the test plays the adapter that reports them. */
import { expect, it, onTestFinished } from 'vitest';
import { GatewayUnderTest, startStore } from '../gateway/plant.js';
import { until } from '../support/until.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { SlcanAdapter } from './support/slcan.js';
import { ip } from './support/system.js';

const nats = useNats();

it('a link says how its controller is, ends with bus-off, and comes back by itself', async () => {
  const adapter = await SlcanAdapter.attach('slcan0');
  onTestFinished(() => adapter.remove());
  const store = await startStore(nats);
  const transport = { type: 'can', interface: 'slcan0', txId: 0x123, rxId: 0x124 };
  const gateway = await new GatewayUnderTest(tempDir(), {
    nats: { servers: nats.url },
    links: [{ name: 'boiler', transport }],
  }).start();
  await gateway.ready('boiler');
  const { nodeId } = gateway.link('boiler');
  const says = (state: string): Promise<unknown> =>
    store.waitForPoint(nodeId, 'gatewayBusState', '0', ({ text }) => text === state);
  await says('error-active');
  await adapter.setState('ERROR-PASSIVE', { txErrors: 128 });
  await says('error-passive');
  expect(gateway.link('boiler').port).toBe('open');
  await adapter.setState('BUS-OFF', { txErrors: 255 });
  await until(() => gateway.link('boiler').port === 'closed', 'the link to end');
  expect(gateway.link('boiler').portProblem).toContain('slcan0 is bus-off');
  await says('bus-off');
  await store.waitForPoint(nodeId, 'gatewayBusOffs', '0', ({ number }) => number === 1);
  // The kernel cannot restart this driver by itself, as it does others (restart-ms).
  ip('link set slcan0 down', 'link set slcan0 up');
  await until(() => gateway.link('boiler').port === 'open', 'the link to be back');
  await says('error-active');
});
