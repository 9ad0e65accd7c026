import { afterEach, describe, expect, it } from 'vitest';
import { asker, GatewayUnderTest, float, startStore } from '../gateway/plant.js';
import { until } from '../support/until.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import {
  KVASER,
  addVcan,
  bringDown,
  bringUpKvaser,
  listen,
  removeInterface,
  sendFrame,
} from './support/can.js';
import { Peer } from './support/system.js';

const nats = useNats();
const isAt = (value: number) => (point: { readonly number: number }) => point.number === value;

let peers: Peer[] = [];
let takeDown = (): void => undefined;
afterEach(async () => {
  for (const peer of peers) await peer.stop();
  peers = [];
  takeDown();
});

function rig(more: object = {}, fd = false) {
  addVcan('vcan0', { fd });
  takeDown = () => removeInterface('vcan0');
  return rigOn('vcan0', 'vcan0', { fd, ...more });
}

/** A gateway on one interface, and who listens on another of the same bus. */
async function rigOn(ours: string, theirs: string, more: object = {}) {
  const store = await startStore(nats);
  const gateway = await new GatewayUnderTest(tempDir(), {
    nats: { servers: nats.url },
    links: [
      {
        name: 'engine',
        transport: {
          type: 'can-signals',
          interface: ours,
          database: 'test/signals/features.dbc',
          transmit: ['Motor'],
          minInterval: 20,
          ...more,
        },
      },
    ],
  }).start();
  await gateway.ready('engine');
  const bus = await listen(theirs);
  peers.push(bus);
  return { store, gateway, bus, nodeId: gateway.nodeId('engine') };
}

describe('signals on a virtual bus', () => {
  it('come up from frames of cansend, with their units', async () => {
    const { store, gateway, nodeId } = await rig();
    sendFrame('vcan0', '123#7D00F60BFFEFD280');
    await store.waitForPoint(nodeId, 'value', 'Motor_Speed', isAt(12.5));
    await store.waitForPoint(nodeId, 'value', 'Motor_Temperature', isAt(-45));
    await store.waitForPoint(nodeId, 'value', 'Motor_Torque', isAt(-0.5));
    await store.waitForPoint(nodeId, 'units', 'Motor_Speed');
    await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
    sendFrame('vcan0', '00000123#0100000000000000');
    await store.waitForPoint(nodeId, 'value', 'MotorExtended_Counter');
    sendFrame('vcan0', '123#7E00F60BFFEFD280');
    await store.waitForPoint(nodeId, 'value', 'Motor_Speed', isAt(12.6));
    expect(gateway.link('engine')).toMatchObject({ codec: 'signals', connected: true });
  });

  it('go down as frames that candump sees, with the others as they were', async () => {
    const { store, gateway, bus, nodeId } = await rig();
    sendFrame('vcan0', '123#7D00F60BFFEFD280');
    await store.waitForPoint(nodeId, 'value', 'Motor_Speed', isAt(12.5));
    await store.setAs('user-1', nodeId, 'value', 'Motor_Speed', 100);
    await bus.said(/vcan0 123#E803F60BFFE00280\n/);
    await until(() => gateway.link('engine').pending.length === 0, 'the setting to be in force');
    const { set } = await asker(nats, gateway.id);
    const asked = set('engine', 'value', float(2), 'Motor_Gear');
    await bus.said(/vcan0 123#E803F60AFFE00280\n/);
    await until(() => asked.last()?.state === 'acknowledged', 'set to be answered');
  });

  it('wait for the interface, and go out when it is there', async () => {
    const { store, gateway, bus, nodeId } = await rig();
    removeInterface('vcan0');
    await until(() => gateway.link('engine').port === 'closed', 'the interface to be gone');
    await store.setAs('user-1', nodeId, 'value', 'Motor_Speed', 100);
    await until(() => gateway.link('engine').pending.length === 1, 'the setting to wait');
    expect(gateway.link('engine').pending[0]?.reason).toContain('the interface is not there');
    await bus.stop();
    addVcan('vcan0');
    const again = await listen('vcan0');
    peers.push(again);
    await again.said(/vcan0 123#E803500000000000\n/);
    await until(() => gateway.link('engine').pending.length === 0, 'the setting to be in force');
  });

  it('come from FD frames with 64 bytes', async () => {
    const { store, nodeId } = await rig({}, true);
    sendFrame('vcan0', `400##1${'FF'.repeat(64)}`);
    const all = await store.waitForPoint(nodeId, 'value', 'Wide_All');
    expect(all.text).toBe(String(2n ** 512n - 1n));
  });

  it('do not flood SIOT, whatever the bus carries, and the last one arrives', async () => {
    const intervalMs = 200;
    const { store, gateway, nodeId } = await rig({ minInterval: intervalMs });
    let published = 0;
    const client = await nats.connect();
    client.subscribe(`p.${nodeId}.value.Motor_Speed`, { callback: () => void (published += 1) });
    await client.flush();
    const fromMs = performance.now();
    // The speed counts up. 500 kbit/s carry some 4,500 frames of 8 bytes a second.
    const pace = ['-g', '0.22', '-n', '1000'];
    const player = new Peer('cangen', 'vcan0', '-I', '123', '-L', '8', '-D', 'i', ...pace);
    peers.push(player);
    expect(await player.ended).toBe(0);
    sendFrame('vcan0', '123#7D00F60BFFEFD280');
    await store.waitForPoint(nodeId, 'value', 'Motor_Speed', isAt(12.5));
    expect(published).toBeGreaterThan(1);
    expect(published).toBeLessThan((performance.now() - fromMs) / intervalMs + 2);
    // What an emulated processor has no time for is lost, and not unseen.
    const lost = (): number => store.point(nodeId, 'gatewayBusLost')?.number ?? 0;
    await until(
      () => (gateway.link('engine').counters.rx ?? 0) + lost() === 1001,
      () => `all to be counted: ${JSON.stringify(gateway.link('engine').counters)}, ${lost()} lost`,
    );
  });
});

describe('signals between controllers', () => {
  it('come up, and go down, acknowledged by the bus', async () => {
    bringUpKvaser();
    takeDown = () => bringDown(...KVASER);
    const { store, gateway, bus, nodeId } = await rigOn('can0', 'can1');
    sendFrame('can1', '123#7D00F60BFFEFD280');
    await store.waitForPoint(nodeId, 'value', 'Motor_Speed', isAt(12.5));
    await store.waitForPoint(nodeId, 'gatewayBusState', '0', ({ text }) => text === 'error-active');
    await store.setAs('user-1', nodeId, 'value', 'Motor_Speed', 100);
    await bus.said(/can1 123#E803F60BFFE00280\n/);
    await until(() => gateway.link('engine').pending.length === 0, 'the setting to be in force');
  });
});
