import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { numberIn } from '../../firmware-sim/points.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import {
  PROTOCOLS,
  atEnd,
  find,
  leavesNothingBehind,
  now,
  openClient,
  openDevice,
  type Device,
  gatewayOf,
} from './harness.js';
import type { GatewayUnderTest } from '../gateway/plant.js';
import { decodePoints } from './points.js';
import type { NatsClient } from './nats-client.js';
import {
  VERSIONS,
  generationOf,
  natsArguments,
  startSiot,
  whyNot,
  type SiotPlace,
} from './siot-server.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const TOKEN = 'no-store-yet';

/** A nats-server for one test, into which a SIOT may come later. */
async function startNats(): Promise<SiotPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-nats-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const nats = await NatsServer.start({ args: natsArguments(TOKEN, folder) });
  atEnd(() => nats.stop());
  return { nats, token: TOKEN };
}

async function startGateway(place: SiotPlace, device: Device): Promise<GatewayUnderTest> {
  const gateway = gatewayOf({
    url: place.nats.url,
    token: place.token,
    links: [{ name: 'pump', transport: device.transport, node: { description: 'Pump 1' } }],
  });
  await gateway.start();
  await gateway.opened();
  await until(
    () => gateway.gateway.control.status().nats.state === 'connected',
    'NATS to be connected',
  );
  return gateway;
}

const published = (client: NatsClient, nodeId: string, type: string, key?: string) =>
  until(
    () => find(client.pointsOn(2, nodeId), type, key),
    () => `${type} to be published; seen: ${client.seen.map(({ subject }) => subject).join(', ')}`,
  );

describe('a nats-server without SIOT', () => {
  let place: SiotPlace;
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'siot-mcu-nats-'));
    const nats = await NatsServer.start({ args: natsArguments(TOKEN, folder) });
    place = { nats, token: TOKEN };
  });
  afterAll(async () => {
    await place.nats.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const protocol of PROTOCOLS) {
    it(`bridges ${protocol} both ways as generation 2`, async () => {
      const device = await openDevice(protocol);
      const client = await openClient(place.nats.url, TOKEN);
      await client.listen();
      const gateway = await startGateway(place, device);
      const nodeId = gateway.nodeId();
      const undeleted = await gateway.gateway.control.undelete({ link: 'pump' });
      expect(undeleted).toMatchObject({ state: 'refused' });
      const time = now();
      await device.report(
        { type: 'temp', key: 'front', value: 23.5, time },
        { type: 'cold', value: { int: -40n, bytes: 1 }, time },
        { type: 'mode', value: 'auto', time },
        { type: 'gone', value: 1, time, tombstone: 3 },
      );
      await device.report({ type: 'config', value: { json: '[1]' }, time });

      expect(await published(client, nodeId, 'temp', 'front')).toMatchObject({
        number: 23.5,
        time,
        origin: '',
      });
      expect(client.seen.map(({ subject }) => subject)).toContain(`p.${nodeId}.temp.front`);
      expect(await published(client, nodeId, 'cold')).toMatchObject({
        number: -40,
        ...(protocol === 'compact' ? { dataType: 2, length: 8 } : { dataType: 1 }),
      });
      expect(await published(client, nodeId, 'mode')).toMatchObject({ dataType: 3, text: 'auto' });
      expect(await published(client, nodeId, 'gone')).toMatchObject({ tombstone: 3 });
      expect(await published(client, nodeId, 'config')).toMatchObject({
        dataType: protocol === 'compact' ? 4 : 3,
        text: '[1]',
      });
      // One point a message (docs/siot.md, 4.2).
      for (const { data } of client.seen.filter(({ subject }) => subject.startsWith('p.'))) {
        expect(decodePoints(2, data)).toHaveLength(1);
      }

      await client.setUnanswered(2, nodeId, { type: 'setpoint', value: 5, time: now() });
      expect(numberIn((await device.mcu.waitForSetting('setpoint')).value)).toBe(5);
      await until(() => gateway.link().pending.length === 0, 'the setting to be acknowledged');
      expect(gateway.gateway.control.status().siot).toEqual({ generation: 2, store: 'none' });
    });
  }
});

for (const version of VERSIONS) {
  describe(`SIOT ${version} comes to a nats-server later`, () => {
    const reason = whyNot(version);
    if (reason !== undefined) beforeEach((context) => context.skip(reason));
    const generation = generationOf(version);

    it('gets its nodes, then all that is known, in its own generation', async () => {
      const place = await startNats();
      const device = await openDevice('compact');
      const client = await openClient(place.nats.url, TOKEN);
      await client.listen();
      const gateway = await startGateway(place, device);
      const nodeId = gateway.nodeId();
      const time = now() - 5_000_000_000n;
      await device.report({ type: 'temp', key: 'front', value: 1, time });
      await device.report({ type: 'temp', key: 'front', value: 2, time: time + 1n });
      await device.report({ type: 'mode', value: 'auto', time });
      await published(client, nodeId, 'mode');

      const siot = await startSiot(version, place);
      atEnd(() => siot.stop());
      await gateway.ready();
      expect(gateway.gateway.control.status().siot).toEqual({ generation, store: 'answers' });

      // The newest of each point, which nobody could keep before.
      expect(await client.stored(nodeId, 'temp', 'front')).toMatchObject({
        number: 2,
        time: time + 1n,
      });
      expect(await client.stored(nodeId, 'mode')).toMatchObject({ text: 'auto', time });
      const node = await client.node(nodeId);
      expect(node).toMatchObject({ type: 'mcu', parent: gateway.id });
      expect(await client.node(gateway.id)).toMatchObject({
        type: 'mcuGateway',
        parent: await client.rootId(),
      });

      // Points first, then one edge message (docs/siot.md, 4.9); parents before children.
      const edge = generation === 1 ? 'p' : 'ep';
      const description = generation === 1 ? '' : '.description.0';
      const wanted = [
        `p.${gateway.id}${description}`,
        `${edge}.${gateway.id}.${await client.rootId()}`,
        `p.${nodeId}${description}`,
        `${edge}.${nodeId}.${gateway.id}`,
      ];
      const subjects = client.seen.map(({ subject }) => subject);
      const from = subjects.indexOf(wanted[0] ?? '');
      const order = wanted.map((subject) => subjects.indexOf(subject, from));
      expect(order, wanted.join(', ')).toEqual([...order].sort((a, b) => a - b));
      expect(order).not.toContain(-1);
      const edges = decodePoints(generation, client.seen[order[3] ?? 0]?.data ?? new Uint8Array());
      expect(find(edges, 'tombstone')?.number).toBe(0);
      expect(find(edges, 'nodeType')?.text).toBe('mcu');

      // And from now on, on its subjects.
      await device.report({ type: 'after', value: 3, time: now() });
      expect((await client.stored(nodeId, 'after')).number).toBe(3);
      await client.set(generation, nodeId, { type: 'setpoint', value: 5, time: now() });
      expect(numberIn((await device.mcu.waitForSetting('setpoint')).value)).toBe(5);
      // Before SIOT goes, for which it would wait.
      await gateway.stop();
    });
  });
}
