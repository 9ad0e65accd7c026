/** Links that leave the configuration, and come back: what their nodes in SIOT say of that. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SiotStore } from '../siot-store/siot-store.js';
import type { LinkEvent } from '../../src/gateway/control/control.js';
import type { PointSnapshot } from '../siot-store/snapshot.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { UsbMachine } from '../support/usb-machine.js';
import { GatewayUnderTest, openDevice, startStore } from './plant.js';

const nats = useNats();

const link = (name: string, node: object = {}): object => ({
  name,
  transport: { type: 'serial', path: '/dev/no-such-port' },
  node,
});

const document = (...links: readonly object[]): object => ({
  nats: { servers: nats.url },
  links,
});

const isAt =
  (value: number) =>
  ({ number }: PointSnapshot): boolean =>
    number === value;

/** The mark of a node in SIOT; `undefined`: it never had one. */
const markOf = (store: SiotStore, nodeId: string): PointSnapshot | undefined =>
  store.point(nodeId, 'gatewayRemoved');

const markedFile = (gateway: GatewayUnderTest): string =>
  join(gateway.folder, 'state', 'removed.json');

/** Nodes of which stateDir says that they are marked. */
const isKept = (gateway: GatewayUnderTest, nodeId: string): boolean =>
  existsSync(markedFile(gateway)) && readFileSync(markedFile(gateway), 'utf8').includes(nodeId);

async function plant(
  links: readonly object[],
  version: SiotStore['version'] = '0.25.0',
): Promise<{ store: SiotStore; gateway: GatewayUnderTest }> {
  const store = await startStore(nats, version);
  const gateway = await new GatewayUnderTest(tempDir(), document(...links)).start();
  const nodesAreThere = (): boolean =>
    gateway.gateway.control.status().links.every(({ node }) => node === 'alive');
  await until(nodesAreThere, 'the nodes');
  return { store, gateway };
}

describe.each(['0.18.5', '0.22.0', '0.25.0'] as const)('SIOT %s', (version) => {
  it('shows that a link has left, and that it is there again', async () => {
    const store = await startStore(nats, version);
    const device = await openDevice();
    const pump = { ...link('pump'), transport: device.transport, protocol: 'compact' };
    const gateway = await new GatewayUnderTest(tempDir(), document(pump, link('fan'))).start();
    await gateway.ready('pump');
    await device.report('temp', 1);
    const [nodeId, fan] = [gateway.nodeId('pump'), gateway.nodeId('fan')];
    await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
    await gateway.reload(document(link('fan')));
    expect(await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(1))).toMatchObject({
      origin: '',
    });
    expect(store.point(nodeId, 'connected')?.number).toBe(0);

    await gateway.reload(document(pump, link('fan')));
    await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(0));
    await device.report('temp', 2);
    await store.waitForPoint(nodeId, 'connected', '0', isAt(1));
    expect(markOf(store, fan)).toBeUndefined();
  });
});

describe('a link that has left the configuration', () => {
  it('is marked if it left while the gateway was stopped, and only once', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan')]);
    const nodeId = gateway.nodeId('pump');
    await gateway.stop();
    expect(markOf(store, nodeId)).toBeUndefined();
    gateway.document = document(link('fan'));
    await gateway.start();
    const { time } = await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(1));
    await until(() => isKept(gateway, nodeId), 'kept');
    const said = gateway.said.filter(({ message }) => message.includes('marked as removed'));
    expect(said).toHaveLength(1);

    // Another one is marked after all that left before it.
    await gateway.restart();
    await gateway.reload(document(link('fan'), link('light')));
    await until(() => gateway.link('light').node === 'alive', 'the new link');
    const light = gateway.nodeId('light');
    await gateway.reload(document(link('fan')));
    await store.waitForPoint(light, 'gatewayRemoved', '0', isAt(1));
    await until(() => isKept(gateway, light), 'kept');
    expect(markOf(store, nodeId)?.time).toBe(time);
  });

  it('is marked under its old name, and not where it keeps its node', async () => {
    const kept = { id: 'kept-node' };
    const { store, gateway } = await plant([link('pump'), link('fan', kept)]);
    const old = gateway.nodeId('pump');
    await gateway.reload(document(link('pump 2'), link('big fan', kept)));
    await store.waitForPoint(old, 'gatewayRemoved', '0', isAt(1));
    expect(markOf(store, 'kept-node')).toBeUndefined();
    await gateway.restart();
    await until(() => gateway.link('big fan').node === 'alive', 'its node');
    expect(markOf(store, 'kept-node')).toBeUndefined();
  });

  it('is marked when SIOT is back, over a restart of the gateway too', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan'), link('light')]);
    const [pump, fan] = [gateway.nodeId('pump'), gateway.nodeId('fan')];
    await store.leave();
    await gateway.reload(document(link('fan'), link('light')));
    await gateway.restart();
    await gateway.reload(document(link('light')));
    expect([markOf(store, pump), markOf(store, fan)]).toEqual([undefined, undefined]);
    await store.comeBack();
    await store.waitForPoint(pump, 'gatewayRemoved', '0', isAt(1), 60_000);
    await store.waitForPoint(fan, 'gatewayRemoved', '0', isAt(1), 60_000);
  });

  it('is not marked if it comes back before SIOT does', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan')]);
    const nodeId = gateway.nodeId('pump');
    await store.leave();
    await gateway.reload(document(link('fan')));
    await gateway.reload(document(link('pump'), link('fan')));
    await store.comeBack();
    await until(() => gateway.link('pump').node === 'alive', 'its node');
    await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(0));
  });

  it('is marked after a crash before that was kept; once more if the crash came in between', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan')]);
    const nodeId = gateway.nodeId('pump');
    await gateway.reload(document(link('fan')));
    const { time } = await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(1));
    await until(() => isKept(gateway, nodeId), 'kept');
    await gateway.stop();
    rmSync(markedFile(gateway));
    await gateway.start();
    const again = await store.waitForPoint(nodeId, 'gatewayRemoved', '0', (at) => at.time !== time);
    expect(again.number).toBe(1);
  });

  it('gets nothing on a node that somebody deleted', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan')]);
    const nodeId = gateway.nodeId('pump');
    await store.edgeAs('user', nodeId, gateway.id, { deleted: true });
    await until(() => gateway.link('pump').node === 'deleted', 'deleted');
    await gateway.reload(document(link('fan')));
    await until(() => isKept(gateway, nodeId), 'looked at');
    expect(markOf(store, nodeId)).toBeUndefined();
  });

  it('has its mark taken back also where nothing is known of it any more', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan')]);
    const nodeId = gateway.nodeId('pump');
    await gateway.stop();
    // As by another gateway whose clock is ahead.
    await store.setAs('', nodeId, 'gatewayRemoved', '0', 1, {
      time: gateway.clock.wallNs() + 3_600_000_000_000n,
    });
    await gateway.start();
    await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(0));
  });
});

describe('a link that was moved to another gateway', () => {
  const fixed = { id: 'moved-node' };
  const moved = 'moved-node';

  /** The other gateway, whose device talks. */
  async function other(store: SiotStore): Promise<GatewayUnderTest> {
    const device = await openDevice();
    const pump = { ...link('pump', fixed), transport: device.transport, protocol: 'compact' };
    const gateway = await new GatewayUnderTest(tempDir(), document(pump)).start();
    await gateway.ready('pump');
    await device.report('temp', 1);
    await store.waitForPoint(moved, 'connected', '0', isAt(1));
    return gateway;
  }

  const isLeft = ({ message }: { readonly message: string }): boolean =>
    message.includes('another gateway serves the node');

  it('is not marked by the one that it has left, and that is said once', async () => {
    const { store, gateway } = await plant([link('pump', fixed), link('fan')]);
    await gateway.stop();
    await other(store);
    gateway.document = document(link('fan'));
    await gateway.start();
    await until(() => isKept(gateway, moved), 'kept');
    await gateway.restart();
    await until(() => gateway.link('fan').node === 'alive', 'its node');
    expect(gateway.said.filter(isLeft)).toHaveLength(1);
    expect([markOf(store, moved), store.point(moved, 'connected')?.number]).toEqual([undefined, 1]);
  });

  it('is not marked by a reload after the other one has it', async () => {
    const { store, gateway } = await plant([link('pump', fixed), link('fan')]);
    await other(store);
    await gateway.reload(document(link('fan')));
    await until(() => isKept(gateway, moved), 'kept');
    expect(gateway.said.filter(isLeft)).toHaveLength(1);
    expect([markOf(store, moved), store.point(moved, 'connected')?.number]).toEqual([undefined, 1]);
  });

  it('has a mark taken back at once that another gateway makes nevertheless', async () => {
    const store = await startStore(nats);
    const gateway = await other(store);
    const time = gateway.clock.wallNs() + 3_600_000_000_000n;
    await store.setAs('', moved, 'connected', '0', 0, { time });
    await store.setAs('', moved, 'gatewayRemoved', '0', 1, { time });
    await store.waitForPoint(moved, 'gatewayRemoved', '0', isAt(0));
    await store.waitForPoint(moved, 'connected', '0', isAt(1));
  });
});

describe('who observes a link', () => {
  it('hears once that it has left, also of one that is disabled, and nothing of that when it is changed', async () => {
    const { store, gateway } = await plant([link('pump'), link('fan')]);
    await store.setAs('user', gateway.nodeId('pump'), 'disabled', '0', 1);
    await until(() => gateway.link('pump').port === 'disabled', 'disabled');
    const heard: string[] = [];
    const asker = new AbortController();
    for (const name of ['pump', 'fan']) {
      const observer = {
        observed: ({ kind }: LinkEvent): void => {
          if (kind === 'removed') heard.push(name);
        },
      };
      gateway.gateway.control.observe({ link: name }, observer, asker.signal);
    }
    await gateway.reload(document({ ...link('pump'), maxFrameLength: 512 }, link('fan')));
    await gateway.reload(
      document({ ...link('pump'), maxFrameLength: 512 }, { ...link('fan'), maxFrameLength: 512 }),
    );
    expect(heard).toEqual([]);
    await gateway.reload(document(link('light')));
    expect(heard.toSorted()).toEqual(['fan', 'pump']);
    await gateway.reload(document(link('light'), link('valve')));
    expect(heard).toHaveLength(2);
  });
});

describe('without a store', () => {
  it('a link that has left, and comes back, is told on NATS', async () => {
    const client = await nats.connect();
    const said: number[] = [];
    client.subscribe('p.*.gatewayRemoved.0', {
      callback: (_error, { data }) => {
        for (const { value } of WIRES[2].decode(data)?.points ?? []) {
          if (value.kind === 'float') said.push(value.number);
        }
      },
    });
    await client.flush();
    const given = (...links: readonly object[]): object => ({
      nats: { servers: nats.url },
      siot: { store: 'none' },
      links,
    });
    const gateway = await new GatewayUnderTest(tempDir(), given(link('pump'), link('fan'))).start();
    await until(() => gateway.gateway.control.status().nats.state === 'connected', 'connected');
    await gateway.reload(given(link('fan')));
    await until(() => said.join() === '1', 'removed');
    await gateway.reload(given(link('pump'), link('fan')));
    await until(() => said.join() === '1,0', 'there again');
  });
});

describe('a board on USB', () => {
  it('is not removed while it is unplugged, over a restart too; it is when its link leaves', async () => {
    const store = await startStore(nats);
    const machine = new UsbMachine();
    const boards = { name: 'boards', transport: { type: 'usb', vendorId: '2e8a' } };
    const gateway = new GatewayUnderTest(tempDir(), document(boards, link('fan')), {
      usbRoot: machine.root,
    });
    const device = await openDevice();
    machine.plug('1', 'ttyACM0', device.pipe.path, { serialNumber: 'A1' });
    await gateway.start();
    await gateway.ready('boards-A1');
    const { nodeId } = gateway.link('boards-A1');
    const fan = gateway.nodeId('fan');
    machine.pull('1', 'ttyACM0');
    await device.mcu.close();
    await until(() => gateway.link('boards-A1').port === 'closed', 'unplugged');
    await gateway.restart();
    await gateway.reload(document(boards));
    await store.waitForPoint(fan, 'gatewayRemoved', '0', isAt(1));
    expect(markOf(store, nodeId)).toBeUndefined();
    await gateway.reload(document(link('fan')));
    await store.waitForPoint(nodeId, 'gatewayRemoved', '0', isAt(1));
  });
});
