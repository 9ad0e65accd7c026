import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { GatewayError } from '../../src/gateway/link-nodes.js';
import type { PrivateNats } from '../../src/gateway/state/runtime-dir.js';
import { LinkFile } from '../../src/gateway/state/link-file.js';
import { StateError } from '../../src/gateway/state/state-dir.js';
import { SystemClock } from '../../src/point/clock.js';
import { NatsServerError, PortInUseError } from '../../src/siot/connection/nats-server.js';
import { connectTo, useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { GatewayUnderTest, asker, configOf, openDevice, startStore } from './plant.js';
import { complaints } from '../support/recording-log.js';
import { until } from '../support/until.js';

const nats = useNats();
const other = useNats();

const link = (name: string, transport: object, more: object = {}): object => ({
  name,
  transport,
  protocol: 'compact',
  ...more,
});

const isConnected = (gateway: GatewayUnderTest): boolean =>
  gateway.gateway.control.status().nats.state === 'connected';

const isAt = (value: number) => (point: { readonly number: number }) => point.number === value;

/** Two devices in a SIOT, both heard. */
async function twoLinks() {
  const store = await startStore(nats);
  const [a, b] = [await openDevice(), await openDevice()];
  const document = {
    nats: { servers: nats.url },
    links: [link('a', a.transport), link('b', b.transport)],
  };
  const gateway = await new GatewayUnderTest(tempDir(), document).start();
  await gateway.ready('a', 'b');
  await a.report('temp', 1);
  await b.report('temp', 1);
  await store.waitForPoint(gateway.nodeId('a'), 'connected', '0', isAt(1));
  await store.waitForPoint(gateway.nodeId('b'), 'connected', '0', isAt(1));
  return { store, a, b, document, gateway };
}

describe('starting', () => {
  it('describes its node in SIOT by the name of the host, unless another one is configured', async () => {
    const store = await startStore(nats);
    const document = { nats: { servers: nats.url }, links: [] };
    const plain = await new GatewayUnderTest(tempDir(), document).start();
    await store.waitForPoint(plain.id, 'description', '0', ({ text }) => text === 'cellar-pi');
    const named = { ...document, gateway: { description: 'boiler room' } };
    const second = await new GatewayUnderTest(tempDir(), named).start();
    await store.waitForPoint(second.id, 'description', '0', ({ text }) => text === 'boiler room');
  });

  it('needs neither a device nor NATS', async () => {
    const gateway = await new GatewayUnderTest(tempDir(), {
      nats: { servers: 'nats://127.0.0.1:1' },
      links: [link('pump', { type: 'serial', path: '/dev/no-such-port' })],
    }).start();
    await until(() => gateway.link('pump').portProblem !== undefined, 'the port’s problem');
    expect(gateway.gateway.control.status()).toMatchObject({
      gateway: { description: 'cellar-pi', version: '1.2.3' },
      siot: { generation: 2, store: 'none' },
      nats: { state: 'connecting' },
      links: [{ name: 'pump', port: 'closed', connected: false, node: 'unknown' }],
    });
    await gateway.gateway.stop();
  });

  it('is refused when two links have one node, or one has the gateway’s', async () => {
    const folder = tempDir();
    const first = await new GatewayUnderTest(folder, { links: [] }).start();
    const { id } = first;
    await first.gateway.stop();
    const transport = { type: 'tcp', host: '127.0.0.1', port: 1 };
    const refused = async (...links: object[]): Promise<void> => {
      const gateway = new GatewayUnderTest(folder, { nats: { servers: nats.url }, links });
      await expect(gateway.start()).rejects.toThrow(GatewayError);
      await expect(gateway.gateway.stop()).resolves.toBeUndefined();
    };
    const node = { id: 'dev-1' };
    await refused(link('a', transport, { node }), link('b', transport, { node }));
    await refused(link('a', transport, { node: { id } }));
    const own = new GatewayUnderTest(folder, { links: [link('a', transport)] });
    await own.start();
    const made = own.nodeId('a');
    await own.gateway.stop();
    await refused(link('a', transport), link('b', transport, { node: { id: made } }));
  });

  it('is refused when the file with its identity is broken', async () => {
    const folder = tempDir();
    const gateway = new GatewayUnderTest(folder, { links: [] });
    await gateway.start();
    await gateway.gateway.stop();
    writeFileSync(join(folder, 'state', 'gateway.json'), 'broken');
    await expect(new GatewayUnderTest(folder, { links: [] }).start()).rejects.toThrow(StateError);
  });

  it('answers requests while links are still being loaded, and none once it is being stopped', async () => {
    let loaded: () => void = () => undefined;
    const load = LinkFile.prototype.load;
    const loading = vi.spyOn(LinkFile.prototype, 'load').mockImplementation(async function (
      this: LinkFile,
    ) {
      await new Promise<void>((resolve) => (loaded = resolve));
      return load.call(this);
    });
    onTestFinished(() => loading.mockRestore());
    const port = { type: 'serial', path: '/dev/no-such-port' };
    const gateway = new GatewayUnderTest(tempDir(), {
      nats: { servers: nats.url },
      links: [link('pump', port)],
    });
    const started = gateway.start();
    await until(
      () => loading.mock.calls.length > 0 && isConnected(gateway),
      'NATS, and the link to be loaded',
    );
    const ask = await asker(nats, gateway.id);
    expect(await ask.request('status')).toMatchObject({ gateway: { id: gateway.id }, links: [] });

    const stopped = gateway.gateway.stop();
    await expect(ask.request('status')).rejects.toThrow();
    expect(isConnected(gateway)).toBe(true);
    loaded();
    await Promise.all([started, stopped]);
  });

  it('may be interrupted by an end, or by another configuration', async () => {
    const device = await openDevice();
    const one = { nats: { servers: nats.url }, links: [link('a', device.transport)] };
    const gateway = new GatewayUnderTest(tempDir(), one);
    const started = gateway.gateway.start();
    const reloaded = gateway.reload({ ...one, links: [...one.links] });
    await Promise.all([started, reloaded]);
    expect(gateway.gateway.control.status().links).toHaveLength(1);
    await until(() => gateway.link('a').port === 'open', 'the port to be open');
    expect(device.openings()).toBe(1);

    const second = new GatewayUnderTest(tempDir(), { ...one, links: [] });
    const starting = second.gateway.start();
    await Promise.all([second.gateway.stop(), starting]);
    expect(second.said.at(-1)?.message).toBe('gateway has ended');
  });
});

describe('a changed configuration', () => {
  it('that is equal to the present one interrupts nothing', async () => {
    const { gateway, a, b, document } = await twoLinks();
    const from = gateway.said.length;
    await gateway.reload(structuredClone(document));
    expect(gateway.said.slice(from).map(({ message }) => message)).toEqual([
      'the configuration is applied',
    ]);
    expect([a.openings(), b.openings()]).toEqual([1, 1]);
  });

  it('opens only the port of the link that changed', async () => {
    const { gateway, store, a, b, document } = await twoLinks();
    a.mcu.clearReceived();
    await gateway.reload({
      ...document,
      links: [link('a', a.transport), link('b', b.transport, { ackTimeoutMs: 500 })],
    });
    await gateway.ready('a', 'b');
    await a.report('temp', 2);
    await b.report('temp', 2);
    await store.waitForPoint(gateway.nodeId('a'), 'temp', '0', isAt(2));
    await store.waitForPoint(gateway.nodeId('b'), 'temp', '0', isAt(2));
    expect([a.openings(), b.openings()]).toEqual([1, 2]);
    a.mcu.assertNotReceived('timeSync');
  });

  it('that removes a link says that its device is gone, and goes on with the others', async () => {
    const { gateway, store, a, b, document } = await twoLinks();
    const nodeId = gateway.nodeId('b');
    await gateway.reload({ ...document, links: [link('a', a.transport)] });
    expect(store.point(nodeId, 'connected')?.number).toBe(0);
    expect(store.edges(nodeId).map(({ deleted }) => deleted)).toEqual([false]);
    await until(() => !b.pipe.present, 'the port to be released');
    await a.report('temp', 3);
    await store.waitForPoint(gateway.nodeId('a'), 'temp', '0', isAt(3));
    expect([a.openings(), b.openings()]).toEqual([1, 1]);
    await gateway.reload(document);
    await b.report('temp', 4);
    await store.waitForPoint(nodeId, 'temp', '0', isAt(4));
    expect(a.openings()).toBe(1);
  });

  it('that removes a link makes the gateway ignore the node of that link', async () => {
    const { gateway, store, a, document } = await twoLinks();
    const [one, two] = [gateway.nodeId('a'), gateway.nodeId('b')];
    await gateway.reload({ ...document, links: [link('a', a.transport)] });
    await store.edgeAs('user-1', two, gateway.id, { deleted: true });
    await store.edgeAs('user-1', one, gateway.id, { deleted: true });
    await until(() => gateway.link('a').node === 'deleted', 'the deletion of the other');
    const deleted = gateway.said.filter(({ message }) => message.startsWith('somebody deleted'));
    expect(deleted.map(({ fields }) => fields.nodeId)).toEqual([one]);
  });

  it('with another NATS connects to it while the devices stay attached', async () => {
    const { gateway, a, b, document } = await twoLinks();
    const store = await startStore(other, '0.18.5');
    await gateway.reload({ ...document, nats: { servers: other.url } });
    await a.report('temp', 5);
    await b.report('temp', 6);
    await store.waitForPoint(gateway.nodeId('a'), 'temp', '0', isAt(5));
    await store.waitForPoint(gateway.nodeId('b'), 'temp', '0', isAt(6));
    await store.waitForPoint(gateway.nodeId('b'), 'connected', '0', isAt(1));
    await store.setAs('user-1', gateway.nodeId('a'), 'limit', '0', 7);
    await a.mcu.waitForSetting('limit');
    expect([a.openings(), b.openings()]).toEqual([1, 1]);
    expect(gateway.gateway.control.status().siot).toEqual({ generation: 1, store: 'answers' });
  });

  it('with two links of one node is refused whole; a correct one is accepted, and the gateway can end', async () => {
    const { gateway, a, b, document } = await twoLinks();
    const node = { id: 'dev-1' };
    const bad = {
      ...document,
      links: [link('a', a.transport, { node }), link('b', b.transport, { node })],
    };
    await expect(gateway.reload(bad)).rejects.toThrow(/"b".*dev-1.*"a"/);
    expect(gateway.gateway.control.status().links.map(({ port }) => port)).toEqual([
      'open',
      'open',
    ]);
    expect([a.openings(), b.openings()]).toEqual([1, 1]);
    await gateway.reload({ ...document, links: [link('a', a.transport)] });
    expect(gateway.gateway.control.status().links).toHaveLength(1);
    await expect(gateway.reload(bad)).rejects.toThrow(GatewayError);
    await gateway.gateway.stop();
    expect(gateway.said.at(-1)?.message).toBe('gateway has ended');
  });

  it('with a private nats-server that cannot start changes nothing', async () => {
    const { gateway, a, document, store } = await twoLinks();
    const path = process.env['PATH'];
    process.env['PATH'] = tempDir();
    try {
      const embedded = { ...document, nats: { embedded: true } };
      await expect(gateway.reload(embedded)).rejects.toThrow(NatsServerError);
    } finally {
      process.env['PATH'] = path;
    }
    await a.report('temp', 8);
    await store.waitForPoint(gateway.nodeId('a'), 'temp', '0', isAt(8));
    expect(a.openings()).toBe(1);
  });

  it('restarts the private nats-server only for a change of its own settings', async () => {
    const folder = tempDir();
    const document = { nats: { embedded: true }, links: [] };
    const gateway = await new GatewayUnderTest(folder, document).start();
    const url = (): string =>
      (JSON.parse(readFileSync(join(folder, 'state', 'nats.json'), 'utf8')) as { url: string }).url;
    const before = url();
    await gateway.reload({ ...document, gateway: { description: 'boiler room' } });
    expect(gateway.gateway.control.status().gateway.description).toBe('boiler room');
    await until(() => gateway.gateway.control.status().nats.state === 'connected', 'NATS');
    expect(url()).toBe(before);
    expect(
      gateway.said.filter(({ message }) => message === 'private nats-server is running'),
    ).toHaveLength(1);
    await gateway.reload({ ...document, nats: { servers: nats.url } });
    await until(
      () => gateway.gateway.control.status().nats.state === 'connected',
      'the other NATS',
    );
  });

  it('keeps the private nats-server when another port cannot be had, also at the next change', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const document = { nats: { embedded: true }, links: [] };
    const folder = tempDir();
    const gateway = await new GatewayUnderTest(folder, document).start();
    await expect(gateway.reload({ ...document, nats: { embedded: { port } } })).rejects.toThrow(
      PortInUseError,
    );
    await gateway.reload({ ...document, siot: { store: 'none' } });
    const file = join(folder, 'state', 'nats.json');
    const { url, token } = JSON.parse(readFileSync(file, 'utf8')) as PrivateNats;
    await (await connectTo(url, { token })).close();
  });

  it('says what needs a restart, and applies all else', async () => {
    const { gateway, document } = await twoLinks();
    await gateway.reload({ ...document, outbox: { maxBytes: 10_000_000 }, stateDir: tempDir() });
    const said = complaints(gateway.said).filter((line) => line.includes('restart the gateway'));
    expect(said).toEqual([
      'stateDir has changed: restart the gateway to apply it',
      'outbox has changed: restart the gateway to apply it',
    ]);
  });

  it('gives room for more points without a new connection', async () => {
    const device = await openDevice();
    const store = await startStore(nats);
    const document = {
      nats: { servers: nats.url },
      gateway: { maxPoints: 2 },
      links: [link('a', device.transport)],
    };
    const gateway = await new GatewayUnderTest(tempDir(), document).start();
    await gateway.ready('a');
    for (const type of ['one', 'two', 'three']) await device.report(type, 1);
    expect(gateway.link('a').counters).toMatchObject({ tooManyPoints: 1 });
    const from = gateway.said.length;
    await gateway.reload({ ...document, gateway: { maxPoints: 3 } });
    await device.report('three', 1);
    await store.waitForPoint(gateway.nodeId('a'), 'three');
    expect(gateway.said.slice(from).map(({ message }) => message)).not.toContain(
      'connected to NATS',
    );
  });
});

it('a gateway keeps its identity where somebody has deleted stateDir while it runs', async () => {
  const device = await openDevice();
  const gateway = await new GatewayUnderTest(tempDir(), {
    nats: { servers: 'nats://127.0.0.1:1' },
    links: [link('a', device.transport)],
  }).start();
  const { id } = gateway;
  await device.report('temp', 1);
  rmSync(join(gateway.folder, 'state'), { recursive: true });
  await device.report('temp', 2);
  const kept = join(gateway.folder, 'state', 'gateway.json');
  await until(() => existsSync(kept), 'the identity on disk');
  await gateway.restart();
  expect(gateway.id).toBe(id);
});

describe('ending', () => {
  it('says that the devices are gone, and delivers what waits', async () => {
    const { gateway, store, a } = await twoLinks();
    const [one, two] = [gateway.nodeId('a'), gateway.nodeId('b')];
    store.delayReplies(200);
    await a.report('temp', 9);
    await Promise.all([gateway.gateway.stop(), gateway.gateway.stop()]);
    expect(store.point(one, 'temp')?.number).toBe(9);
    expect(store.point(one, 'connected')?.number).toBe(0);
    expect(store.point(two, 'connected')?.number).toBe(0);
    await gateway.gateway.reload(configOf({ links: [] }));
  });

  it('does not wait for links that are leaving, and these leave in parallel', async () => {
    const { gateway, store, document, a, b } = await twoLinks();
    // It answers nothing from now on: what the links say last is not delivered.
    store.pause();
    const clock = new SystemClock();
    const leftMs = new Promise<number[]>((resolve) => {
      const left: number[] = [];
      for (const { pipe } of [a, b]) {
        pipe.onPeer = (present) => {
          if (!present && left.push(clock.monotonicMs()) === 2) resolve(left);
        };
      }
    });
    const reloaded = gateway.reload({ ...document, links: [] });
    const [first = 0, second = 0] = await leftMs;
    // One waits 5 s for a store that answers nothing.
    expect(second - first).toBeLessThan(4_000);
    await gateway.gateway.stop();
    expect(clock.monotonicMs() - second).toBeLessThan(4_500);
    await reloaded;
  });

  it('is possible before the start, and touches nothing', async () => {
    const folder = tempDir();
    const gateway = new GatewayUnderTest(folder, { links: [link('a', { type: 'usb' })] });
    await gateway.gateway.stop();
    expect(readdirSync(folder)).toEqual([]);
    expect(gateway.said.map(({ message }) => message)).toEqual(['gateway has ended']);
  });
});
