/** A device that another gateway has acknowledged before (docs/wire.md, "The wire on one page"). */
import { expect, it } from 'vitest';
import { Firmware } from '../../firmware-sim/firmware.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import {
  PROTOCOLS,
  find,
  leavesNothingBehind,
  openDevice,
  withEachSiot,
  gatewayOf,
} from './harness.js';
import type { GatewayUnderTest } from '../gateway/plant.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const PROFILE = `
description: Pump controller
reportAllMs: 500
sensors: [{type: flow, offset: 12, intervalMs: 86400000}]
settings:
  - {type: setpoint, kind: number, initial: 4.5}
  - {type: mode, kind: text, initial: auto}
`;

withEachSiot((siot) => {
  for (const protocol of PROTOCOLS) {
    it(`shows a new gateway all its points, ${protocol}`, async () => {
      const device = await openDevice(protocol);
      const firmware = new Firmware(device.mcu, parseProfile(PROFILE), new SeededRandom(1));
      const client = await siot.client();
      const start = async (): Promise<GatewayUnderTest> => {
        const { url, token } = siot.server;
        const links = [{ name: 'pump', transport: device.transport }];
        const gateway = gatewayOf({ url, token, links });
        await gateway.start();
        await gateway.ready();
        return gateway;
      };
      const shown = async (gateway: GatewayUnderTest, setpoint: number): Promise<void> => {
        const nodeId = gateway.nodeId();
        await client.stored(nodeId, 'setpoint', '0', ({ number }) => number === setpoint);
        await client.stored(nodeId, 'mode', '0', ({ text }) => text === 'auto');
        await client.stored(nodeId, 'flow', '0', ({ number }) => number === 12);
        await client.stored(nodeId, 'description', '0', ({ text }) => text === 'Pump controller');
      };
      const first = await start();
      device.mcu.start();
      await shown(first, 4.5);
      const time = BigInt(Date.now()) * 1_000_000n;
      await client.set(siot.generation, first.nodeId(), { type: 'setpoint', value: 7, time });
      await until(() => firmware.setting('setpoint') === 7, 'the setting to arrive');
      await until(() => first.link().pending.length === 0, 'its acknowledgement');
      await until(() => device.mcu.unacknowledged === 0, 'all to be acknowledged');
      const firstId = first.nodeId();
      await first.stop();

      const second = await start();
      expect(second.nodeId()).not.toBe(firstId);
      await shown(second, 7);
      const { points } = await client.node(second.nodeId());
      expect(find(points, 'setpoint')).toMatchObject({ origin: '' });
    });
  }
});
