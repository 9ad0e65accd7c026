import { describe, expect, it } from 'vitest';
import { limited, ignorePoints, whenType } from '../../firmware-sim/behaviours.js';
import { numberIn, textIn, type McuPoint } from '../../firmware-sim/points.js';
import { PROTOCOLS, leavesNothingBehind, now, plant, withEachSiot } from './harness.js';
import { SLOWNESS } from '../support/slowness.js';
import type { Plant } from './harness.js';
import type { Written } from './points.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const VALUES: readonly (readonly [
  name: string,
  value: Written,
  arrives: { number: number; text: string },
])[] = [
  ['number', 4.25, { number: 4.25, text: '' }],
  ['zero', 0, { number: 0, text: '' }],
  ['text', 'eco — Höhe', { number: 0, text: 'eco — Höhe' }],
  ['json', { json: '{"from":1}' }, { number: 0, text: '{"from":1}' }],
  ['int', -40n, { number: -40, text: '' }],
  ['yes', true, { number: 1, text: '' }],
  ['no', false, { number: 0, text: '' }],
];

/** Nothing of this link is on its way any more. */
async function settled({ gateway }: Plant): Promise<void> {
  await until(
    () => gateway.link().pending.length === 0,
    () => `settings to be acknowledged: ${JSON.stringify(gateway.link().pending)}`,
  );
}

const reading = (point: McuPoint): { number: number; text: string } => ({
  number: numberIn(point.value),
  text: textIn(point.value),
});

withEachSiot((siot) => {
  for (const protocol of PROTOCOLS) {
    for (const line of ['serial', 'tcp'] as const) {
      describe(`${protocol} over ${line}`, () => {
        it('brings what a person sets to the device, in its own codec', async () => {
          const all = await plant(siot, protocol, { line });
          const { device, set } = all;
          for (const [type, value, arrives] of VALUES) {
            const time = now();
            await set({ type, value, time, origin: 'user-1' });
            const point = await device.mcu.waitForSetting(type);
            expect(reading(point), type).toEqual(arrives);
            expect(point, type).toMatchObject({ time, origin: '', tombstone: 0 });
          }
          await settled(all);
          // One point a packet, each with a good CRC and of this codec.
          for (const { points, subject } of device.mcu.received) {
            if (subject !== 'ack') expect(points).toHaveLength(1);
          }
          expect(device.mcu.problems.undecodable).toBe(0);
        });
      });
    }

    describe(`${protocol} over serial`, () => {
      it('spells keys as the device does', async () => {
        const all = await plant(siot, protocol);
        const { device, set } = all;
        await device.report(
          { type: 'blank', key: '', value: 1, time: now() },
          { type: 'zero', key: '0', value: 1, time: now() },
          { type: 'keyed', key: 'front', value: 1, time: now() },
        );
        await set({ type: 'blank', key: '0', value: 2 });
        await set({ type: 'zero', key: '0', value: 2 });
        await set({ type: 'keyed', key: 'front', value: 2 });
        expect((await device.mcu.waitForSetting('blank')).key).toBe('');
        expect((await device.mcu.waitForSetting('zero')).key).toBe('0');
        expect((await device.mcu.waitForSetting('keyed')).key).toBe('front');
        await settled(all);
      });

      it('retransmits until the device acknowledges', async () => {
        const all = await plant(siot, protocol, { link: { ackTimeoutMs: 50 * SLOWNESS } });
        const { device, set, gateway } = all;
        device.mcu.push(limited(whenType('setpoint', ignorePoints()), 2));
        await set({ type: 'setpoint', value: 5 });
        await device.mcu.waitForSetting('setpoint');
        await settled(all);
        const sent = device.mcu.received.filter(({ points }) => points[0]?.type === 'setpoint');
        expect(sent.length).toBeGreaterThanOrEqual(3);
        expect(new Set(sent.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(1);
        expect(gateway.counter('retransmission')).toBeGreaterThanOrEqual(2);
      });

      it('sends a removed point with its last value; the point exists again once the device reports it', async () => {
        const all = await plant(siot, protocol);
        const { device, set, client, nodeId } = all;
        await device.report({ type: 'limit', value: 7.5, time: now() });
        await client.stored(nodeId, 'limit');
        // As SIOT's page does (docs/siot.md, 4.9).
        await set({ type: 'limit', value: undefined, tombstone: 1 });
        const point = await device.mcu.waitForSetting('limit', ({ tombstone }) => tombstone === 1);
        expect(numberIn(point.value)).toBe(7.5);
        await settled(all);
        await device.report({ type: 'limit', value: 8, time: now() });
        const again = await client.stored(nodeId, 'limit', '0', ({ tombstone }) => tombstone === 0);
        expect(again.number).toBe(8);
      });

      it('does not send the device its own reports', async () => {
        const all = await plant(siot, protocol);
        const { device, set, client, nodeId } = all;
        await device.report({ type: 'temp', value: 20, time: now(), origin: 'someone' });
        await set({ type: 'temp', value: 21, origin: nodeId });
        await set({ type: 'temp', value: 22, origin: '' });
        await client.stored(nodeId, 'temp', '0', ({ number }) => number === 22);
        // What is set afterwards comes afterwards.
        await set({ type: 'last', value: 1 });
        await device.mcu.waitForSetting('last');
        device.mcu.assertNotReceived('temp');
      });
    });
  }
});
