/** Clients whose clocks tick slowly, or are years ahead (docs/contract.md, "Listening"). */
import { describe, expect, it } from 'vitest';
import { numberIn } from '../../firmware-sim/points.js';
import { SystemClock } from '../../src/point/clock.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { GatewayUnderTest, openDevice, startStore } from './plant.js';
import { complaints } from '../support/recording-log.js';
import { until } from '../support/until.js';

const END = 2n ** 63n - 1n;
const clock = new SystemClock();

describe.each(['0.18.5', '0.22.0', '0.25.0'] as const)('with SIOT %s', (version) => {
  const nats = useNats();

  async function rig() {
    const store = await startStore(nats, version);
    const device = await openDevice();
    const gateway = await new GatewayUnderTest(tempDir(), {
      nats: { servers: nats.url },
      links: [
        {
          name: 'pump',
          transport: device.transport,
          protocol: 'compact',
          commands: ['restart'],
        },
      ],
    }).start();
    await gateway.ready('pump');
    const nodeId = gateway.nodeId('pump');
    const set = (type: string, value: number, time: bigint): Promise<bigint> =>
      store.setAs('user-1', nodeId, type, '0', value, { time });
    /** What the device has received of a type, in order. */
    const received = (type: string): number[] =>
      device.mcu.receivedPoints
        .filter((one) => one.type === type)
        .map((one) => numberIn(one.value));
    const arrives = (type: string, value: number): Promise<true> =>
      until(
        () => received(type).at(-1) === value && gateway.link('pump').pending.length === 0,
        () => `${type} = ${value}: ${received(type).join()}`,
      );
    return { store, device, gateway, nodeId, set, received, arrives };
  }

  it('six quick edits with one time: the device has the last one, and SIOT shows it', async () => {
    const { store, gateway, nodeId, set, arrives } = await rig();
    const t = clock.wallNs();
    for (const value of [5, 6, 5, 7, 6, 0]) await set('setpoint', value, t);
    await arrives('setpoint', 0);
    const shown = await store.waitForPoint(nodeId, 'setpoint', '0', ({ number, time }) => {
      return number === 0 && time > t;
    });
    expect(shown.origin).toBe('');
    // As if none of it had been new: nothing is sent again, and the next edit counts.
    await gateway.restart();
    await gateway.ready('pump');
    await set('setpoint', 8, clock.wallNs());
    await arrives('setpoint', 8);
  });

  it('a setting from the end of time counts once, and blocks no later one', async () => {
    const { gateway, device, set, received, arrives } = await rig();
    await set('setpoint', 1, END);
    await set('restart', 1, END);
    await arrives('setpoint', 1);
    await arrives('restart', 1);
    const [first] = device.mcu.receivedPoints.filter(({ type }) => type === 'setpoint');
    expect(first!.time).toBeLessThanOrEqual(clock.wallNs());
    await set('setpoint', 2, clock.wallNs());
    await arrives('setpoint', 2);
    // It is read again, with what SIOT holds for ever.
    await gateway.restart();
    await gateway.ready('pump');
    await set('setpoint', 3, clock.wallNs());
    await arrives('setpoint', 3);
    expect(received('setpoint')).toEqual([1, 2, 3]);
    expect(received('restart')).toEqual([1]);
    const told = complaints(gateway.said).filter((line) => line.includes('far ahead'));
    expect(told).toHaveLength(2);
  });
});
