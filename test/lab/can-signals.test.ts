import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { asker, GatewayUnderTest, float, startStore } from '../gateway/plant.js';
import { until } from '../e2e/until.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { addVcan, listen, removeInterface, sendFrame } from './support/can.js';
import { Peer } from './support/system.js';

const nats = useNats();
/** Of 8 bytes, on a bus of 500 kbit/s that carries nothing else. */
const FRAME_SECONDS = 0.00022;
const isAt = (value: number) => (point: { readonly number: number }) => point.number === value;

let peers: Peer[] = [];
afterEach(async () => {
  for (const peer of peers) await peer.stop();
  peers = [];
  removeInterface('vcan0');
});

async function rig(more: object = {}, fd = false) {
  addVcan('vcan0', { fd });
  const store = await startStore(nats);
  const gateway = await new GatewayUnderTest(tempDir(), {
    nats: { servers: nats.url },
    links: [
      {
        name: 'engine',
        transport: {
          type: 'can-signals',
          interface: 'vcan0',
          database: 'test/signals/features.dbc',
          transmit: ['Motor'],
          minInterval: 20,
          fd,
          ...more,
        },
      },
    ],
  }).start();
  await gateway.ready('engine');
  const bus = await listen('vcan0');
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
    const { store, gateway, nodeId } = await rig({ minInterval: 200 });
    const frames = Array.from({ length: 1000 }, (_, i) => {
      const speed = Buffer.alloc(2);
      speed.writeUInt16LE(i);
      return `(${(i * FRAME_SECONDS).toFixed(6)}) vcan0 123#${speed.toString('hex')}`;
    });
    const log = join(tempDir(), 'log');
    writeFileSync(log, `${frames.join('\n')}\n`);
    const player = new Peer('canplayer', '-I', log);
    peers.push(player);
    expect(await player.ended).toBe(0);
    await store.waitForPoint(nodeId, 'value', 'Motor_Speed', isAt(99.9));
    await until(() => gateway.link('engine').counters.rx === 1000, 'all frames to be counted');
  });
});
