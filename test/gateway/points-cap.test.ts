/** A device that invents names, over restarts of everything: SIOT still answers. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedMcu, TcpPipe, machineClock } from '../../firmware-sim/index.js';
import { isReservedType } from '../../src/point/reserved.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { GatewayUnderTest, openDevice, startStore, type Device } from './plant.js';
import { copyAsKilled } from './support.js';
import { until } from '../support/until.js';

const nats = useNats();
const MOST = 40;

async function rig() {
  const store = await startStore(nats);
  const device = await openDevice();
  const link = {
    name: 'pump',
    transport: device.transport,
    protocol: 'compact',
    maxPoints: MOST,
  };
  const document = { nats: { servers: nats.url }, links: [link] };
  const gateway = await new GatewayUnderTest(tempDir(), document).start();
  await gateway.ready('pump');
  const nodeId = gateway.nodeId('pump');
  const stored = (): string[] =>
    store
      .points(nodeId)
      .map(({ type }) => type)
      .filter((type) => !isReservedType(type) && type !== 'description');
  return { store, device, document, link, gateway, nodeId, stored };
}

let invented = 0;
async function invent(device: Device, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await device.report(`made-up-${String((invented += 1))}`, n);
}

describe('a device that invents names', () => {
  it('does not give SIOT more of them with each restart of the gateway', async () => {
    const { store, device, gateway, nodeId, stored } = await rig();
    await invent(device, MOST + 10);
    await gateway.restart();
    await gateway.ready('pump');
    await invent(device, 20);
    await device.report('made-up-1', 7);
    // Known points go on.
    invented += 1;
    await until(
      () => stored().length >= MOST - 1,
      () => `${stored().length}`,
    );
    expect(stored().length).toBeLessThanOrEqual(MOST);
    await store.waitForPoint(nodeId, 'made-up-1', '0', ({ number }) => number === 7);
    expect(gateway.link('pump').counters.tooManyPoints).toBeGreaterThanOrEqual(29);
  });

  it('does not do so while SIOT is away either, or with a gateway that was killed', async () => {
    const { store, device, document, gateway, stored } = await rig();
    await device.report('first', 1);
    await store.leave();
    await until(() => gateway.gateway.control.status().siot.store !== 'answers', 'it to be away');
    await invent(device, MOST / 2);
    await gateway.restart();
    await invent(device, MOST);
    // A second later the names are on disk, whatever happens then.
    await new Promise((then) => setTimeout(then, 1_500));
    const killed = tempDir();
    copyAsKilled(gateway.folder, killed);
    await gateway.gateway.stop();
    rmSync(join(killed, 'state', 'running'), { force: true });
    const next = await new GatewayUnderTest(killed, document).start();
    await invent(device, MOST);
    await store.comeBack();
    await next.ready('pump');
    await invent(device, 10);
    await device.report('first', 2);
    await store.waitForPoint(next.nodeId('pump'), 'first', '0', ({ number }) => number === 2);
    expect(stored().length).toBeLessThanOrEqual(MOST);
    expect(stored().length).toBeGreaterThan(0);
  });

  it('does not do so when nothing is left of what the gateway knew: SIOT is read', async () => {
    const { device, document, link, gateway, nodeId, stored } = await rig();
    await invent(device, MOST + 5);
    await until(
      () => stored().length === MOST,
      () => `${stored().length}`,
    );
    await gateway.gateway.stop();
    const links = [{ ...link, node: { id: nodeId } }];
    const anew = await new GatewayUnderTest(tempDir(), { ...document, links }).start();
    await anew.ready('pump');
    await invent(device, 10);
    expect(anew.link('pump').counters.tooManyPoints).toBe(5 + 10);
    expect(stored()).toHaveLength(MOST);
  });

  it('is reported with what to do; a higher maxPoints is one remedy', async () => {
    const { device, document, link, gateway, stored } = await rig();
    await invent(device, MOST + 5);
    await until(
      () => gateway.link('pump').advice.some((line) => line.includes('raise maxPoints')),
      () => gateway.link('pump').advice.join(),
    );
    const said = gateway.said.filter(({ fields }) => fields.limited === 'points');
    expect(said).toHaveLength(1);
    await gateway.reload({ ...document, links: [{ ...link, maxPoints: MOST + 3 }] });
    await gateway.ready('pump');
    await invent(device, 5);
    await until(
      () => stored().length === MOST + 3,
      () => `${stored().length}`,
    );
  }, 30_000);

  it('with long texts neither keeps SIOT from answering for the node nor for its parent', async () => {
    const store = await startStore(nats);
    const pipe = await TcpPipe.open({ host: '127.0.0.1', port: 0 });
    const mcu = new SimulatedMcu(pipe, {
      clock: machineClock,
      protocol: 'compact',
      maxFrameLength: 65_536,
    });
    onTestFinished(() => mcu.close());
    const transport = { type: 'tcp', ...pipe.address };
    const gateway = await new GatewayUnderTest(tempDir(), {
      nats: { servers: nats.url },
      links: [{ name: 'pump', transport, protocol: 'compact', maxFrameLength: 65_536 }],
    }).start();
    await gateway.ready('pump');
    const nodeId = gateway.nodeId('pump');
    const text = 'x'.repeat(30_000);
    for (let n = 0; n < 24; n++) {
      const { outcome } = await mcu.sendPoints([{ type: `text${String(n)}`, value: text }]);
      expect(outcome).toBe('acknowledged');
    }
    await mcu.sendPoints([{ type: 'temp', value: 5 }]);
    await store.waitForPoint(nodeId, 'temp', '0', ({ number }) => number === 5);
    expect(gateway.link('pump').counters.tooManyBytes).toBe(7);
    const client = await nats.connect();
    for (const query of [`nodes.all.${nodeId}`, `nodes.${gateway.id}.all`]) {
      const { data } = await client.request(query, '', { timeout: 5_000 });
      expect(data.length).toBeGreaterThan(500_000);
      expect(data.length).toBeLessThan(1_048_576 / 2);
    }
  });
});
