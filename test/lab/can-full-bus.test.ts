/** A bus of 500 kbit/s with frame after frame: nothing is lost, and others get through. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTransport } from '../../src/transport/transports.js';
import {
  attachTo,
  clock,
  leavesNothingBehind,
  now,
  openDevice,
  withEachSiot,
  gatewayOf,
} from '../e2e/harness.js';
import { listenAs } from './support/can.js';
import { VCAN, openCanLine } from './support/can-line.js';
import { FRAME_US, addPacedVcan } from './support/can-pace.js';
import { needsPace } from './support/machine.js';
import { Peer } from './support/system.js';
import { until } from '../support/until.js';

leavesNothingBehind();

/** Two seconds of the bus. */
const FRAMES = 9_000;
/** Motor, in the database. */
const ID = '123';

needsPace('test/lab/can-full-bus.test.ts');

let remove = (): void => undefined;
beforeEach(() => {
  remove = addPacedVcan(VCAN);
});
afterEach(() => {
  remove();
  remove = () => undefined;
});

/** Frames of 8 bytes that count up, as fast as the bus takes them. Resolves when all were on it. */
async function fill(): Promise<void> {
  const listener = await listenAs(
    ['-r', '4000000', '-n', String(FRAMES)],
    [`${VCAN},${ID}:C00007FF`],
  );
  const what = ['-I', ID, '-L', '8', '-D', 'i', '-n', String(FRAMES)];
  const source = new Peer('cangen', VCAN, '-g', '0', ...what);
  expect(await source.ended, source.stderr).toBe(0);
  expect(await listener.ended, listener.stderr).toBe(0);
  const seconds = [...listener.stdout.matchAll(/^\(([\d.]+)\)/gm)].map(([, time]) => Number(time));
  expect(seconds).toHaveLength(FRAMES);
  const intervalUs = (((seconds.at(-1) ?? 0) - (seconds[0] ?? 0)) * 1e6) / (FRAMES - 1);
  // The kernel's timers come late now and then; that the bus was full is what this is about.
  expect(intervalUs).toBeLessThan(FRAME_US.at500k * 1.03);
}

describe('a full bus', () => {
  it('loses no frame, also while the gateway is busy for long', async () => {
    const seen: number[] = [];
    const ids = { txId: 1, rxId: 0x123, extendedIds: false, fd: false, bitRateSwitch: false };
    const transport = createTransport({ type: 'can', interface: VCAN, ...ids }, clock);
    const channel = await transport.open({
      data: ({ data }) => void seen.push(Buffer.from(data).readUInt32LE()),
      discarded: () => undefined,
      closed: () => undefined,
      warning: () => undefined,
      drained: () => undefined,
    });
    const filling = { done: false };
    const filled = fill().finally(() => (filling.done = true));
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (!filling.done) {
      // As if garbage were collected, or a disk waited for.
      Atomics.wait(nothing, 0, 0, 150);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await filled;
    await until(() => seen.length >= FRAMES, 'all frames to arrive');
    await channel.close();
    expect({ seen: seen.length, lost: transport.bus?.().lost }).toEqual({ seen: FRAMES, lost: 0 });
    expect(seen.every((number, at) => number === at)).toBe(true);
  });

  withEachSiot(
    (siot) => {
      it('has all its signals in SIOT, and devices on it are heard and set', async () => {
        attachTo({ open: () => openCanLine({ framing: 'isotp' }), versions: ['0.25.0'] });
        const device = await openDevice('compact');
        const client = await siot.client();
        await client.listen();
        const [ENGINE, PUMP] = [0, 1];
        const gateway = gatewayOf({
          url: siot.server.url,
          token: siot.server.token,
          links: [
            {
              name: 'engine',
              transport: {
                type: 'can-signals',
                interface: VCAN,
                database: 'test/signals/features.dbc',
                minInterval: 100,
              },
            },
            { name: 'pump', transport: device.transport },
          ],
        });
        await gateway.start();
        await gateway.ready();
        await device.report({ type: 'hello', value: 1, time: now() });
        const filling = { done: false };
        let reports = 0;
        const filled = fill().finally(() => (filling.done = true));
        while (!filling.done)
          await device.report({ type: 'temp', value: (reports += 1), time: now() });
        await filled;
        expect(reports).toBeGreaterThan(3);
        await until(
          () => gateway.counter('rx', ENGINE) === FRAMES,
          () => `all frames to be taken: ${JSON.stringify(gateway.link(ENGINE).counters)}`,
        );
        const speed = ((FRAMES - 1) % 65_536) / 10;
        await until(
          async () =>
            (await client.stored(gateway.nodeId(ENGINE), 'value', 'Motor_Speed')).number === speed,
          'the last speed to be in SIOT',
        );
        const stored = await client.stored(gateway.nodeId(PUMP), 'temp');
        expect(stored.number).toBe(reports);
        expect(gateway.counter('retransmission', PUMP)).toBe(0);
      });
    },
    ['0.25.0'],
  );
});
