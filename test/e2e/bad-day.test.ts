import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { limited, neverAcknowledge } from '../../firmware-sim/behaviours.js';
import { numberIn } from '../../firmware-sim/points.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { SiotStore } from '../siot-store/siot-store.js';
import {
  atEnd,
  find,
  leavesNothingBehind,
  now,
  openClient,
  openDevice,
  plant,
  withEachSiot,
  type Device,
  gatewayOf,
} from './harness.js';
import { decodePoints } from './points.js';
import type { NatsClient } from './nats-client.js';
import {
  VERSIONS,
  generationOf,
  isReal,
  natsArguments,
  startSiot,
  whyNot,
  type SiotPlace,
} from './siot-server.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const TOKEN = 'bad-day';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-nats-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Values of `temp`, counting up, each acknowledged. */
async function count(device: Device, from: number, to: number, key = ''): Promise<void> {
  for (let value = from; value <= to; value += 1) {
    await device.report({ type: 'temp', key, value, time: now() });
  }
}

/** Every first time that a value of `temp` was fanned out, which a store does after it has it. */
function fannedOut(client: NatsClient, generation: 1 | 2, nodeId: string): number[] {
  const isOf = (subject: string): boolean => subject.startsWith(`up.${nodeId}.${nodeId}`);
  const values = client.seen
    .filter(({ subject }) => isOf(subject))
    .flatMap(({ data }) => decodePoints(generation, data))
    .filter(({ type }) => type === 'temp')
    .map(({ number }) => number);
  return [...new Set(values)];
}

for (const version of VERSIONS) {
  const generation = generationOf(version);

  describe(`SIOT ${version}`, () => {
    const reason = whyNot(version);
    if (reason !== undefined) beforeEach((context) => context.skip(reason));

    it('gets all points that were acknowledged while it was dead, in order', async () => {
      const folder = newFolder();
      const nats = await NatsServer.start({ args: natsArguments(TOKEN, folder) });
      atEnd(() => nats.stop());
      const place: SiotPlace = { nats, token: TOKEN };
      const siot = await startSiot(version, place);
      atEnd(() => siot.stop());
      const device = await openDevice('compact');
      const gateway = gatewayOf({
        url: nats.url,
        token: TOKEN,
        links: [{ name: 'pump', transport: device.transport }],
      });
      await gateway.start();
      await gateway.ready();
      const nodeId = gateway.nodeId();
      const client = await openClient(nats.url, TOKEN);
      await client.listen(['up.>']);

      await count(device, 1, 5);
      await client.stored(nodeId, 'temp', '0', ({ number }) => number === 5);
      await siot.kill();
      await count(device, 6, 20);
      expect(gateway.link().port).toBe('open');
      await siot.restart();
      await count(device, 21, 25);
      await client.stored(nodeId, 'temp', '0', ({ number }) => number === 25, 15_000);
      const wanted = Array.from({ length: 25 }, (_, index) => index + 1);
      await until(
        () => fannedOut(client, generation, nodeId).length === 25,
        () => `all 25 to be fanned out: ${fannedOut(client, generation, nodeId).join()}`,
      );
      expect(fannedOut(client, generation, nodeId)).toEqual(wanted);
      await gateway.stop();
    });

    it('gets all of them when NATS died with it, and so does a setting', async () => {
      const siot = await startSiot(version);
      atEnd(() => siot.stop());
      const device = await openDevice('compact');
      const gateway = gatewayOf({
        url: siot.url,
        token: siot.token,
        links: [{ name: 'pump', transport: device.transport }],
      });
      await gateway.start();
      await gateway.ready();
      const nodeId = gateway.nodeId();
      await count(device, 1, 5, 'before');
      await siot.kill();
      await until(
        () => gateway.gateway.control.status().nats.state !== 'connected',
        'the connection to be lost',
      );
      for (let key = 1; key <= 30; key += 1) await count(device, key, key, String(key));
      await siot.restart();
      const client = await openClient(siot.url, siot.token);
      await client.set(generation, nodeId, { type: 'setpoint', value: 5, time: now() });
      const setting = await device.mcu.waitForSetting('setpoint', undefined, { timeoutMs: 15_000 });
      expect(numberIn(setting.value)).toBe(5);
      // Different points may overtake each other: each is waited for.
      await client.stored(nodeId, 'temp', 'before', ({ number }) => number === 5, 15_000);
      for (let key = 1; key <= 30; key += 1) {
        await client.stored(nodeId, 'temp', String(key), ({ number }) => number === key);
      }
      await gateway.stop();
    });
  });
}

withEachSiot((siot) => {
  it('gives a restarted device its settings again, but no commands', async () => {
    const { device, set, gateway } = await plant(siot, 'compact', {
      link: { commands: ['restart'] },
    });
    await set({ type: 'setpoint', value: 5 });
    await set({ type: 'mode', value: 'eco' });
    await set({ type: 'restart', value: 1 });
    await device.mcu.waitForSetting('restart');
    await until(() => gateway.link().pending.length === 0, 'all to be acknowledged');
    device.mcu.clearReceived();

    // Power off and on; it says hello when it is back.
    device.mcu.reboot();
    await device.mcu.waitForSetting('setpoint');
    await device.mcu.waitForSetting('mode');
    await until(() => gateway.link().pending.length === 0, 'all to be acknowledged again');
    expect(device.mcu.receivedPoints[0]?.type).toBe('timeSync');
    device.mcu.assertNotReceived('restart');
    expect(gateway.counter('restart')).toBeGreaterThanOrEqual(1);
  });

  it('sends nothing again to a device that keeps its settings', async () => {
    const { device, set, gateway } = await plant(siot, 'compact', { link: { restore: false } });
    await set({ type: 'setpoint', value: 5 });
    await device.mcu.waitForSetting('setpoint');
    await until(() => gateway.link().pending.length === 0, 'it to be acknowledged');
    device.mcu.clearReceived();
    device.mcu.reboot();
    await device.mcu.waitForTimeSync();
    await set({ type: 'last', value: 1 });
    await device.mcu.waitForSetting('last');
    device.mcu.assertNotReceived('setpoint');
  });

  it('goes on with a device whose acks get lost now and then', async () => {
    const { device, set, gateway } = await plant(siot, 'compact', { link: { ackTimeoutMs: 50 } });
    device.mcu.push(limited(neverAcknowledge(), 1));
    await set({ type: 'setpoint', value: 5 });
    await device.mcu.waitForSetting('setpoint');
    await until(() => gateway.link().pending.length === 0, 'it to be acknowledged');
    expect(gateway.link().acknowledges).toBe('yes');
  });
});

describe('a store that replies with errors', () => {
  it.for(VERSIONS)('is asked again, and nothing is lost: %s', async (version, context) => {
    context.skip(isReal, 'a real store cannot be made to refuse what it takes');
    const nats = await NatsServer.start();
    atEnd(() => nats.stop());
    const store = await SiotStore.start({ nats: nats.url, version });
    atEnd(() => store.stop());
    const device = await openDevice('compact');
    const gateway = gatewayOf({
      url: nats.url,
      links: [{ name: 'pump', transport: device.transport }],
    });
    await gateway.start();
    await gateway.ready();
    const client = await openClient(nats.url);
    store.failNext(3, 'database is locked');
    for (let key = 1; key <= 10; key += 1) await count(device, key, key, String(key));
    for (let key = 1; key <= 10; key += 1)
      await client.stored(gateway.nodeId(), 'temp', String(key));
    await gateway.stop();
  });
});

describe('a publish that was lost with the store', () => {
  it('is not overtaken by newer ones of its point', async (context) => {
    context.skip(isReal, 'a real store cannot be made to lose a publish');
    const nats = await NatsServer.start();
    atEnd(() => nats.stop());
    const store = await SiotStore.start({ nats: nats.url, version: '0.25.0' });
    atEnd(() => store.stop());
    const device = await openDevice('compact');
    const gateway = gatewayOf({
      url: nats.url,
      links: [{ name: 'pump', transport: device.transport }],
    });
    await gateway.start();
    await gateway.ready();
    const nodeId = gateway.nodeId();
    const client = await openClient(nats.url);
    await client.listen(['up.>']);
    // Somebody listens on the node, as `siot-mcu watch` does, so that NATS does
    // not say that nobody took it.
    const watcher = await openClient(nats.url);
    await watcher.listen(['p.>']);
    await store.leave();
    await count(device, 1, 1);
    await until(
      () => find(watcher.pointsOn(store.generation, nodeId), 'temp'),
      'the first to be published',
    );
    await store.comeBack();
    await count(device, 2, 50);
    await until(
      () => fannedOut(client, store.generation, nodeId).length === 50,
      () => `all 50 to be fanned out: ${fannedOut(client, store.generation, nodeId).join()}`,
    );
    const values = fannedOut(client, store.generation, nodeId);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });
});
