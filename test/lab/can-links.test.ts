/** Links on CAN: many on one bus, interfaces that go and come back, noise. */
import { expect, it } from 'vitest';
import {
  attachTo,
  leavesNothingBehind,
  now,
  openDevice,
  plant,
  withEachSiot,
  gatewayOf,
} from '../e2e/harness.js';
import { addVcan, removeInterface, sendFrame } from './support/can.js';
import { SLOWNESS } from '../support/slowness.js';
import { VCAN, onCan, openCanLine, type CanMedium } from './support/can-line.js';
import { Peer, ip } from './support/system.js';
import { until } from '../support/until.js';

leavesNothingBehind();
attachTo(onCan({ framing: 'isotp' }));

withEachSiot(
  (siot) => {
    it('16 devices on one bus, half of them by each framing', async () => {
      const media: CanMedium[] = Array.from({ length: 16 }, (_, at) => ({
        framing: at % 2 === 0 ? 'isotp' : 'cobs',
        extendedIds: at % 4 < 2,
      }));
      const devices = [];
      for (const medium of media) {
        attachTo({ open: () => openCanLine(medium), versions: ['0.25.0'] });
        devices.push(await openDevice('compact'));
      }
      attachTo({ open: () => openCanLine({ framing: 'isotp' }), versions: ['0.25.0'] });
      const gateway = gatewayOf({
        url: siot.server.url,
        token: siot.server.token,
        links: devices.map(({ transport }, at) => ({ name: `device ${at}`, transport })),
      });
      await gateway.start();
      await gateway.ready();
      const client = await siot.client();
      for (let round = 1; round <= 4; round += 1) {
        await Promise.all(
          devices.map(({ report }, at) =>
            report({ type: 'temp', value: at * 100 + round, time: now() }),
          ),
        );
      }
      for (const [at] of devices.entries()) {
        const point = await client.stored(gateway.nodeId(at), 'temp');
        expect(point.number).toBe(at * 100 + 4);
      }
    });

    it.each([
      ['goes down', () => ip(`link set ${VCAN} down`), () => ip(`link set ${VCAN} up`), 'down'],
      ['is taken away', () => removeInterface(VCAN), () => addVcan(VCAN), 'missing'],
    ] as const)('an interface that %s and comes back', async (_, go, come, state) => {
      const { device, gateway, client, nodeId, set } = await plant(siot, 'compact');
      const stateOf = async (): Promise<string> =>
        (await client.stored(nodeId, 'gatewayBusState')).text;
      await until(async () => (await stateOf()) === 'up', 'the bus to be up');
      go();
      await until(() => gateway.link().port === 'closed', 'the link to notice', 10_000);
      expect(gateway.link().connected).toBe(false);
      expect(gateway.link().portProblem).toMatch(new RegExp(`is down|no CAN interface`));
      await until(async () => (await stateOf()) === state, `the point to say ${state}`);
      await set({ type: 'limit', value: 7, origin: 'user-1' });
      come();
      await gateway.opened();
      await device.mcu.waitForSetting('limit', () => true, { timeoutMs: 30_000 * SLOWNESS });
      await device.report({ type: 'temp', value: 2, time: now() });
      await until(async () => (await stateOf()) === 'up', 'the point to say up');
      expect(gateway.said.filter(({ message }) => message === 'port is gone')).toHaveLength(1);
    });

    it('bus-off, as a controller reports it', async () => {
      const { device, gateway, client, nodeId } = await plant(siot, 'compact');
      sendFrame(VCAN, '20000040#0000000000000000');
      await until(
        () => gateway.said.some(({ fields }) => JSON.stringify(fields).includes('bus-off')),
        'the log to say so',
      );
      await gateway.opened();
      await reported(() => device.report({ type: 'temp', value: 2, time: now() }));
      await until(
        async () => (await client.stored(nodeId, 'gatewayBusOffs')).number === 1,
        'bus-offs to be counted',
      );
    });

    it('wrong frames, and frames of another device, are counted, and the link is not affected', async () => {
      const { device, gateway } = await plant(siot, 'compact');
      const { rxId = 0 } = device.transport as { rxId?: number };
      const id = rxId.toString(16).padStart(3, '0');
      const frames: readonly (readonly [string, string])[] = [
        ['isoTpFrame', 'FFFFFFFFFFFFFFFF'],
        ['isoTpFrame', '0000000000000000'],
        ['isoTpFrame', '1003AABBCCDDEEFF'],
        ['isoTpUnexpected', '21AABBCCDDEEFF00'],
        ['isoTpUnexpected', '300000'],
        ['isoTpSequence', '1020AABBCCDDEEFF'],
        ['oversize', '1FFFAABBCCDDEEFF'],
        // What an SAE J1939 or a CANopen device sends.
        ['isoTpFrame', 'F004FF7D7D0000FF'],
      ];
      for (const [, data] of frames) {
        sendFrame(VCAN, `${id}#${data}`);
        // Follows the first frame of a packet, out of order.
        if (data.startsWith('1020')) sendFrame(VCAN, `${id}#25AABBCCDDEEFF00`);
      }
      // Requests, and other identifiers.
      sendFrame(VCAN, `${id}#R`);
      sendFrame(VCAN, '7DF#0201050000000000');
      for (const cause of new Set(frames.map(([name]) => name))) {
        await until(() => gateway.counter(cause) > 0, `${cause} to be counted`);
      }
      await device.report({ type: 'temp', value: 3, time: now() });
      // A second sender on the same identifier, in the middle of packets.
      const noise = new Peer('cangen', VCAN, '-g', '5', '-I', id, '-L', '8', '-n', '200');
      for (let round = 0; round < 20; round += 1) {
        await reported(() => device.report({ type: 'temp', value: round, time: now() }));
      }
      await noise.ended;
      await device.report({ type: 'temp', value: 99, time: now() });
      expect(gateway.link().port).toBe('open');
    });

    it('a flow control that never comes is counted, and the setting waits', async () => {
      const { device, gateway, set } = await plant(siot, 'compact');
      await device.mcu.close();
      await set({ type: 'limit', value: 5, origin: 'user-1' });
      await until(() => gateway.counter('isoTpTimeout') > 0, 'it to be counted', 20_000);
      expect(gateway.link().port).toBe('open');
      expect(gateway.link().pending).toHaveLength(1);
    });
  },
  ['0.25.0'],
);

/** Others disturb: the device sends again, as firmware does. */
async function reported(report: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await report();
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}
