import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  applyAndAcknowledge,
  ignorePoints,
  neverAcknowledge,
  whenType,
} from '../../../firmware-sim/index.js';
import { SystemClock } from '../../../src/point/clock.js';
import { floatValue, makePoint, numberOf, stringValue, textOf } from '../../../src/point/point.js';
import { WIRES } from '../../../src/siot/wire/wires.js';
import { useNats } from '../../support/nats.js';
import { tempDir } from '../../support/temp-dir.js';
import type { Version } from '../../siot-store/dialect.js';
import { GatewayUnderTest, asker, float, openDevice, startStore } from '../plant.js';
import { copyAsKilled, linesOf } from '../support.js';
import { complaints } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

const nats = useNats();
const clock = new SystemClock();

const isAt = (value: number) => (point: { readonly number: number }) => point.number === value;

async function rig(more: object = {}, version: Version = '0.25.0') {
  const store = await startStore(nats, version);
  const device = await openDevice();
  const document = {
    nats: { servers: nats.url },
    links: [
      { name: 'pump', transport: device.transport, protocol: 'compact', ackTimeoutMs: 20, ...more },
    ],
  };
  const folder = tempDir();
  const gateway = await new GatewayUnderTest(folder, document).start();
  await gateway.ready('pump');
  await device.report('temp', 1);
  const nodeId = gateway.nodeId('pump');
  await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
  const record = () => linesOf(readFileSync(join(folder, 'state', 'links', `${nodeId}.state`)));
  /** The same folder as it is now: what a gateway finds that starts after this one was killed. */
  const killed = async (): Promise<GatewayUnderTest> => {
    const now = tempDir();
    copyAsKilled(folder, now);
    await gateway.gateway.stop();
    device.mcu.clearReceived();
    return new GatewayUnderTest(now, document);
  };
  const sent = (type: string): number =>
    device.mcu.received.filter(({ points }) => points.some((point) => point.type === type)).length;
  return { store, device, document, folder, gateway, nodeId, record, killed, sent };
}

describe('what is known of a link', () => {
  it('is kept over a restart: a pending setting arrives then', async () => {
    const { store, device, gateway, nodeId, record } = await rig();
    const off = device.mcu.push(ignorePoints());
    await store.setAs('user-1', nodeId, 'limit', 'a', 1.5);
    await until(() => gateway.link('pump').pending.length === 1, 'the setting to wait');
    await gateway.gateway.stop();
    expect(record().settings).toMatchObject([{ type: 'limit', state: 'pending' }]);
    expect(record().session).toMatchObject({ codec: 'compact', acknowledges: 'yes' });
    // Only from what is kept: SIOT is away.
    await store.leave();
    device.mcu.clearReceived();
    off();
    await gateway.restart();
    const point = await device.mcu.waitForSetting('limit', undefined, { key: 'a' });
    expect(point.value).toBe(1.5);
    await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgement');
    expect(gateway.link('pump')).toMatchObject({ codec: 'compact', acknowledges: 'yes' });
  });

  it('includes a setting that was made while the gateway was ending, also without a store', async () => {
    const { device, gateway, nodeId, store, document, folder } = await rig();
    await gateway.gateway.stop();
    await store.stop();
    const plain = new GatewayUnderTest(folder, { ...document, siot: { store: 'none' } });
    await plain.start();
    await device.report('temp', 2);
    const client = await nats.connect();
    // Nothing is confirmed from now on: the end waits until its time is over.
    nats.server.signal('SIGSTOP');
    const stopping = plain.gateway.stop();
    await until(() => !device.pipe.present, 'the link to be closed');
    const time = clock.wallNs();
    const point = makePoint({
      type: 'limit',
      value: floatValue(4),
      time,
      key: '0',
      origin: 'user-1',
    });
    const wire = WIRES[2];
    client.publish(wire.pointSubject(nodeId, point), wire.encode([point]));
    nats.server.signal('SIGCONT');
    await client.flush();
    await stopping;
    await plain.restart();
    await device.mcu.waitForSetting('limit', ({ value }) => value === 4);
  });

  it('includes a command before it is sent, so that it is never sent again after a kill', async () => {
    const { store, device, nodeId, record, killed, sent } = await rig({ commands: ['restart'] });
    device.mcu.push(whenType('restart', neverAcknowledge()));
    const saved = new Promise<unknown>((resolve) => {
      device.mcu.observe({
        received: ({ points }) => {
          if (!points.some(({ type }) => type === 'restart')) return;
          try {
            resolve(record().settings);
          } catch {
            resolve('nothing');
          }
        },
      });
    });
    await store.setAs('user-1', nodeId, 'restart', '', 1);
    // At the moment when it arrives.
    expect(await saved).toMatchObject([{ type: 'restart', transmissions: 1 }]);
    const next = await killed();
    await next.start();
    await next.ready('pump');
    await device.report('temp', 2);
    await store.setAs('user-1', nodeId, 'other', '', 1);
    await device.mcu.waitForSetting('other');
    expect(sent('restart')).toBe(0);
  });

  it('includes a command made while the gateway was away, but none from before it knew the node', async () => {
    const { store, device, gateway, nodeId, document, sent } = await rig({
      commands: ['restart'],
    });
    await gateway.gateway.stop();
    await store.setAs('user-1', nodeId, 'restart', '', 1);
    await gateway.restart();
    await device.mcu.waitForSetting('restart');
    await gateway.gateway.stop();
    device.mcu.clearReceived();
    // Another folder, so that nothing is known; the node's ID is given.
    const links = document.links.map((link) => ({ ...link, node: { id: nodeId } }));
    const anew = await new GatewayUnderTest(tempDir(), { ...document, links }).start();
    await anew.ready('pump');
    await device.report('temp', 3);
    await store.setAs('user-1', nodeId, 'other', '', 1);
    await device.mcu.waitForSetting('other');
    expect(sent('restart')).toBe(0);
  });

  it('includes that the link is disabled, over restarts, until somebody enables it again', async () => {
    const { store, device, document, gateway, nodeId } = await rig();
    await store.setAs('user-1', nodeId, 'disabled', '', 1);
    await until(() => gateway.link('pump').port === 'disabled', 'the link to be off');
    await store.waitForPoint(nodeId, 'connected', '0', isAt(0));
    await gateway.gateway.stop();
    await store.leave();
    // Another link shows that ports have been opened since.
    const other = await openDevice();
    const more = { name: 'other', transport: other.transport, protocol: 'compact' };
    gateway.document = { ...document, links: [...document.links, more] };
    await gateway.restart();
    await until(() => gateway.link('other').port === 'open', 'the other port');
    await other.report('temp', 1);
    await store.comeBack();
    await gateway.ready('other');
    await until(() => gateway.link('pump').node === 'alive', 'the node');
    expect(gateway.link('pump').port).toBe('disabled');
    const opened = gateway.said.filter(({ message }) => message === 'port is open');
    expect(opened.map(({ fields }) => fields.link)).toEqual(['pump', 'other']);
    await store.setAs('user-1', nodeId, 'disabled', '', 0);
    await until(() => gateway.link('pump').port === 'open', 'the link to be on');
    await device.report('temp', 2);
    await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
  });
});

describe('statistics in SIOT', () => {
  it('go on over a restart, and never fall back', async () => {
    const { store, device, gateway, nodeId } = await rig();
    for (let n = 0; n < 20; n++) await device.report('temp', n);
    device.mcu.sendRaw(Buffer.from([0, 9, 9, 9, 9, 0]));
    await until(() => (gateway.link('pump').counters.errorCount ?? 0) > 0, 'the broken frame');
    await gateway.gateway.stop();
    const before = store.point(nodeId, 'rx')?.number ?? 0;
    const errors = store.point(nodeId, 'errorCount')?.number ?? 0;
    expect(before).toBeGreaterThanOrEqual(21);
    expect(errors).toBeGreaterThan(0);
    const client = await nats.connect();
    const seen: number[] = [];
    client.subscribe(`p.${nodeId}.rx.0`, {
      callback: (_error, { data }) =>
        void seen.push(
          ...(WIRES[2].decode(data)?.points ?? []).map(({ value }) => numberOf(value)),
        ),
    });
    await client.flush();
    await gateway.restart();
    await gateway.ready('pump');
    await device.report('temp', 1);
    await gateway.gateway.stop();
    await store.waitForPoint(nodeId, 'rx', '0', ({ number }) => number > before);
    expect(store.point(nodeId, 'errorCount')?.number).toBe(errors);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(before);
  });

  it.each(['0.18.5', '0.25.0'] as const)('are reset by a person, in %s', async (version) => {
    const { store, device, gateway, nodeId } = await rig({}, version);
    await device.report('temp', 2);
    const time = clock.wallNs() + 60_000_000_000n;
    await store.setAs('user-1', nodeId, 'rxReset', '', 1, { time });
    await store.waitForPoint(nodeId, 'rxReset', '0', isAt(0));
    await store.waitForPoint(nodeId, 'rx', '0', isAt(0));
    expect(gateway.link('pump').counters.rx).toBe(0);
    device.mcu.assertNotReceived('rxReset');
    await device.report('temp', 3);
    expect(gateway.link('pump').counters.rx).toBe(1);
  });

  it('are newer than those in SIOT from a clock that was ahead', async () => {
    const { store, device, gateway, nodeId } = await rig();
    await gateway.gateway.stop();
    const ahead = clock.wallNs() + 3_600_000_000_000n;
    await store.setAs('', nodeId, 'connected', '0', 0, { time: ahead });
    await gateway.restart();
    await gateway.ready('pump');
    await device.report('temp', 2);
    const { time } = await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
    expect(time).toBeGreaterThan(ahead);
  });
});

describe('a node that lacks what is known', () => {
  const isOwners = (origin: string) => origin === '';

  /** Another one in the place of the store, which the gateway has missed before. */
  const anotherStore = async ({ store, device, gateway }: Awaited<ReturnType<typeof rig>>) => {
    await store.stop();
    // Where nothing was under way as it ended, it is missed with the next point.
    await device.report('level', 2);
    const { control } = gateway.gateway;
    await until(() => control.status().siot.store === 'expected', 'the store to be missed');
    return startStore(nats);
  };

  it('gets it, also a setting that the device has not reported since, in another store', async () => {
    const all = await rig();
    const { store, device, gateway, nodeId } = all;
    await device.report('limit', 3);
    await store.setAs('user-1', nodeId, 'limit', '', 7);
    await device.mcu.waitForSetting('limit');
    await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgement');
    const other = await anotherStore(all);
    await other.waitForPoint(nodeId, 'temp', '0', isAt(1));
    const limit = await other.waitForPoint(nodeId, 'limit', '0', isAt(7));
    expect(isOwners(limit.origin)).toBe(true);
    expect(other.point(nodeId, 'connected', '0')?.number).toBe(1);
  });

  it('gets the settings in force after a restart of the gateway, when nothing else is known', async () => {
    const { store, device, gateway, nodeId } = await rig();
    await device.report('limit', 3);
    // As SIOT's page does.
    await store.setAs('user-1', nodeId, 'limit', '', '7');
    await store.setAs('user-1', nodeId, 'gone', '', 1);
    await store.setAs('user-1', nodeId, 'gone', '', 1, { tombstone: 1 });
    await device.mcu.waitForSetting('gone', ({ tombstone }) => tombstone === 1);
    await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgement');
    device.mcu.push(whenType('late', ignorePoints()));
    await store.setAs('user-1', nodeId, 'late', '', 5);
    await until(() => gateway.link('pump').pending.length === 1, 'the setting to wait');
    await gateway.gateway.stop();
    await store.stop();
    const other = await startStore(nats);
    await gateway.restart();
    const limit = await other.waitForPoint(nodeId, 'limit', '0', isAt(7));
    expect(isOwners(limit.origin)).toBe(true);
    await device.report('after', 1);
    await other.waitForPoint(nodeId, 'after', '0', isAt(1));
    expect(other.point(nodeId, 'gone', '0')).toBeUndefined();
    // On its way yet: once the device has it.
    expect(other.point(nodeId, 'late', '0')).toBeUndefined();
    device.mcu.push(whenType('late', applyAndAcknowledge));
    // Nothing waits for its next try after a restart.
    device.mcu.sendHello();
    await other.waitForPoint(nodeId, 'late', '0', isAt(5));
  });

  it('gets a setting that it never had, since the gateway was killed before it could', async () => {
    const { store, device, gateway, nodeId, killed } = await rig();
    await store.setAs('user-1', nodeId, 'limit', '', 7);
    await device.mcu.waitForSetting('limit');
    const { client, set } = await asker(nats, gateway.id);
    let published = false;
    client.subscribe(`p.${nodeId}.limit.0`, { callback: () => void (published = true) });
    await client.flush();
    store.failNext(1_000, 'killed');
    store.delayReplies(10_000);
    set('pump', 'limit', float(8));
    await until(() => published, 'it to be on its way');
    const next = await killed();
    store.failNext(0, '');
    store.delayReplies(0);
    await next.start();
    await device.mcu.waitForSetting('limit', ({ value }) => value === 8);
    const limit = await store.waitForPoint(nodeId, 'limit', '0', isAt(8));
    expect(isOwners(limit.origin)).toBe(true);
  });

  it('gets it where somebody else has made the node', async () => {
    const { store, device, gateway, nodeId } = await rig();
    await device.report('limit', 3);
    await store.waitForPoint(nodeId, 'limit', '0', isAt(3));
    await store.leave();
    await until(
      () => gateway.gateway.control.status().siot.store !== 'answers',
      'the store to be gone',
    );
    await store.stop();
    const other = await startStore(nats);
    await other.edgeAs('user-1', nodeId, other.rootId, { nodeType: 'mcu' });
    await other.waitForPoint(nodeId, 'limit', '0', isAt(3));
    await other.waitForPoint(nodeId, 'temp', '0', isAt(1));
  });

  it('has its device’s description, though the node was made with another since', async () => {
    const all = await rig();
    const { store, device, nodeId } = all;
    await device.mcu.sendPoints([{ type: 'description', value: 'Pump controller' }]);
    await store.waitForPoint(nodeId, 'description', '0', ({ text }) => text === 'Pump controller');
    const other = await anotherStore(all);
    await other.waitForPoint(nodeId, 'description', '0', ({ text }) => text === 'Pump controller');
  });
});

describe('what others do to the node', () => {
  it('is logged in the end, also where it happened too often to be logged each time', async () => {
    const { store, gateway, nodeId } = await rig();
    for (let i = 1; i <= 14; i += 1) {
      await store.setAs('user-1', nodeId, 'disabled', '', i % 2);
      const port = i % 2 === 1 ? 'disabled' : 'open';
      await until(() => gateway.link('pump').port === port, `the port to be ${port}`);
    }
    const toldBefore = gateway.said.filter(({ message }) => /abled in SIOT/.test(message));
    expect(toldBefore.length).toBeLessThanOrEqual(10);
    await gateway.gateway.stop();
    expect(gateway.said.filter(({ fields }) => 'last' in fields)).toHaveLength(1);
  });

  it('gives it a description that stays, whatever the device said meanwhile', async () => {
    const { store, device, gateway, nodeId } = await rig();
    await device.mcu.sendPoints([{ type: 'description', value: 'Device' }]);
    await store.waitForPoint(nodeId, 'description', '0', ({ text }) => text === 'Device');
    await gateway.gateway.stop();
    await store.setAs('user-1', nodeId, 'description', '', 'Theirs');
    await store.leave();
    await gateway.restart();
    // It goes into the outbox: without the store the gateway cannot know of a person's description.
    await device.mcu.sendPoints([{ type: 'description', value: 'Device' }]);
    await device.report('temp', 2);
    await store.comeBack();
    await store.waitForPoint(nodeId, 'temp', '0', isAt(2));
    await gateway.ready('pump');
    await device.report('temp', 3);
    await store.waitForPoint(nodeId, 'temp', '0', isAt(3));
    expect(store.point(nodeId, 'description')?.text).toBe('Theirs');
    expect(gateway.link('pump').counters).toMatchObject({ givenDescription: 1 });
    await store.setAs('user-1', nodeId, 'description', '', '');
    await store.waitForPoint(nodeId, 'description', '0', ({ text }) => text === 'Device');
  });

  it('is refused for a point of the gateway’s own, and counted', async () => {
    const { store, device, gateway, nodeId } = await rig();
    await store.setAs('user-1', nodeId, 'baud', '', '9600');
    await store.setAs('user-1', nodeId, 'gatewayCount', 'crc', 7);
    await store.setAs('user-1', nodeId, 'limit', '', 1);
    await device.mcu.waitForSetting('limit');
    device.mcu.assertNotReceived('baud');
    device.mcu.assertNotReceived('gatewayCount');
    expect(gateway.link('pump').counters).toMatchObject({ refusedSetting: 2 });
    expect(
      complaints(gateway.said).filter((line) => line.startsWith('somebody has set')),
    ).toHaveLength(2);
  });

  it('reaches the device also under names that JavaScript uses for something else', async () => {
    const { store, device, gateway, nodeId } = await rig();
    const names = ['toString', 'constructor', 'hasOwnProperty', '__proto__', 'valueOf'];
    for (const type of names) await store.setAs('user-1', nodeId, type, type, 1);
    for (const type of names)
      expect(await device.mcu.waitForSetting(type)).toMatchObject({ type, key: type, value: 1 });
    await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgements');
  });

  it('gives it a description that stays, also without a store and after a kill', async () => {
    const device = await openDevice();
    const folder = tempDir();
    const document = {
      nats: { servers: nats.url },
      siot: { store: 'none' },
      links: [{ name: 'pump', transport: device.transport, protocol: 'compact' }],
    };
    const gateway = await new GatewayUnderTest(folder, document).start();
    const nodeId = gateway.nodeId('pump');
    const client = await nats.connect();
    const wire = WIRES[2];
    const seen: string[] = [];
    client.subscribe(`p.${nodeId}.>`, {
      callback: (_error, { data }) => {
        for (const { type, value, origin } of wire.decode(data)?.points ?? [])
          if (origin === '') seen.push(`${type} ${textOf(value)}`);
      },
    });
    const give = (text: string): void => {
      const value = stringValue(text);
      const time = clock.wallNs();
      const point = makePoint({ type: 'description', key: '0', value, time, origin: 'user-1' });
      client.publish(wire.pointSubject(nodeId, point), wire.encode([point]));
    };
    const says = async (text: string): Promise<void> => {
      for (const type of ['description', 'after'])
        await device.mcu.sendPoints([{ type, value: text }]);
      await until(() => seen.includes(`after ${text}`), 'what it says');
    };
    await says('Device 1');
    expect(seen).toContain('description Device 1');
    give('Theirs');
    const kept = () => readFileSync(join(folder, 'state', 'links', `${nodeId}.state`), 'utf8');
    await until(() => kept().includes('"descriptions":[{'), 'it to be kept');
    await says('Device 2');
    await until(() => kept().includes('Device 2'), 'what waits to be kept');
    const now = tempDir();
    copyAsKilled(folder, now);
    await gateway.gateway.stop();

    const next = await new GatewayUnderTest(now, document).start();
    expect(next.nodeId('pump')).toBe(nodeId);
    await says('after the kill');
    expect(seen.filter((one) => one.startsWith('description'))).toEqual(['description Device 1']);
    expect(next.link('pump').counters).toMatchObject({ givenDescription: 1 });
    give('');
    await until(() => seen.includes('description after the kill'), 'the device’s');
  });

  it('is logged when somebody else writes as its owner', async () => {
    const { store, gateway, nodeId } = await rig();
    await store.setAs('', nodeId, 'connected', '0', 0);
    await until(
      () => complaints(gateway.said).some((line) => line.includes('as its owner')),
      'the warning',
    );
    expect(complaints(gateway.said).filter((line) => line.includes('owner'))).toHaveLength(1);
  });

  it('has the points dropped for its deletion counted under one cause', async () => {
    const { store, device, gateway, nodeId } = await rig();
    await store.edgeAs('user-1', nodeId, gateway.id, { deleted: true });
    await until(() => gateway.link('pump').node === 'deleted', 'the deletion');
    await device.report('temp', 2);
    expect(gateway.link('pump').counters).toMatchObject({ nodeDeleted: 1 });
    expect(gateway.link('pump').advice.join()).toContain('deleted');
  });

  it('leaves the check for forbidden characters to the store, and counts the store’s error', async () => {
    const { store, device, gateway } = await rig();
    store.failNext(1, 'node x: point key "a" contains ".", which is not allowed in a point key');
    await device.report('odd', 2);
    await until(
      () => gateway.link('pump').counters.forbiddenCharacter === 1,
      () => JSON.stringify(gateway.link('pump').counters),
    );
  });
});

describe('a port that vanishes', () => {
  it('is opened again when it is back; SIOT shows both', async () => {
    const store = await startStore(nats);
    const path = join(tempDir(), 'port');
    const first = await openDevice({}, path);
    const gateway = await new GatewayUnderTest(tempDir(), {
      nats: { servers: nats.url },
      links: [{ name: 'pump', transport: { type: 'serial', path }, protocol: 'compact' }],
    }).start();
    await gateway.ready('pump');
    const nodeId = gateway.nodeId('pump');
    await first.report('temp', 1);
    await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
    await first.mcu.close();
    await store.waitForPoint(nodeId, 'connected', '0', isAt(0));
    await until(() => gateway.link('pump').portProblem !== undefined, 'the problem');
    expect(gateway.link('pump').port).toBe('closed');
    await store.setAs('user-1', nodeId, 'limit', '', 3);
    const second = await openDevice({}, path);
    await second.mcu.waitForSetting('limit', undefined, { key: '' });
    await second.report('temp', 2);
    await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
  });
});
