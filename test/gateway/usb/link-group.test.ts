import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { McuOptions } from '../../../firmware-sim/index.js';
import type { Board } from '../../support/usb-machine.js';
import { UsbMachine } from '../../support/usb-machine.js';
import { nodeIdOf, type LinkConfig } from '../../../src/gateway/config/config.js';
import { StateDir } from '../../../src/gateway/state/state-dir.js';
import { isUsbTemplate } from '../../../src/gateway/usb/link-group.js';
import { UsbLinkGroups } from '../../../src/gateway/usb/link-groups.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { FakeClock } from '../../support/fake-clock.js';
import { useNats } from '../../support/nats.js';
import { tempDir } from '../../support/temp-dir.js';
import {
  GatewayUnderTest,
  asker,
  configOf,
  openDevice,
  startStore,
  type Device,
} from '../plant.js';
import { complaints } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

const nats = useNats();
const A = { serialNumber: 'A' };
const B = { serialNumber: 'B' };

async function rig(...others: object[]) {
  const store = await startStore(nats);
  const machine = new UsbMachine();
  const document = {
    nats: { servers: nats.url },
    links: [
      {
        name: 'boards',
        transport: { type: 'usb', vendorId: '2E8A' },
        protocol: 'compact',
        ackTimeoutMs: 20,
      },
      ...others,
    ],
  };
  const folder = tempDir();
  const gateway = new GatewayUnderTest(folder, document, { usbRoot: machine.root });
  const plug = async (
    hub: string,
    name: string,
    board: Board,
    options: Partial<McuOptions> = {},
  ): Promise<Device & { pull(): Promise<void> }> => {
    const device = await openDevice(options);
    machine.plug(hub, name, device.pipe.path, board);
    return {
      ...device,
      pull: async () => {
        machine.pull(hub, name);
        await device.mcu.close();
      },
    };
  };
  const links = (): string[] => gateway.gateway.control.status().links.map(({ name }) => name);
  const open = (name: string) =>
    until(
      () =>
        links().includes(name) &&
        gateway.link(name).port === 'open' &&
        gateway.link(name).node === 'alive',
      () => `${name} to be open: ${JSON.stringify(gateway.gateway.control.status())}`,
    );
  const nodeOf = (name: string): string => gateway.link(name).nodeId;
  // Where the next usb.json would be written first.
  const inTheWay = join(folder, 'state/usb.json.new');
  const disk = {
    usbFile: join(folder, 'state/usb.json'),
    fill: () => mkdirSync(inTheWay),
    free: () => rmdirSync(inTheWay),
  };
  return { store, machine, document, folder, disk, gateway, plug, links, open, nodeOf };
}

const isAt = (value: number) => (point: { readonly number: number }) => point.number === value;

describe('USB boards', () => {
  it.each(['constructor', 'toString', '__proto__'])(
    'of a link with the name %s have their links',
    async (name) => {
      const usb = { name, transport: { type: 'usb', vendorId: '1D50' }, protocol: 'compact' };
      const { gateway, plug, open } = await rig(usb);
      await plug('1', 'ttyACM0', { vendorId: '1d50', serialNumber: 'A' });
      await gateway.start();
      await open(`${name}-A`);
      await gateway.restart();
      await open(`${name}-A`);
      await gateway.gateway.stop();
    },
  );

  it('keep a name that is given to another link later, which is reported', async () => {
    const { gateway, document, plug, open, links } = await rig();
    await plug('1', 'ttyACM0', A);
    await gateway.start();
    await open('boards-A');
    const another = { name: 'boards-A', transport: { type: 'tcp', host: '127.0.0.1', port: 9 } };
    await gateway.reload({ ...document, links: [...document.links, another] });
    expect(links()).toEqual(['boards-A']);
    expect(complaints(gateway.said)).toContainEqual(
      expect.stringContaining('a device on USB has a link of this name already'),
    );
  });

  it('become a link and a node each, when they are plugged in', async () => {
    const { store, gateway, plug, open, nodeOf, links } = await rig();
    const first = await plug('1', 'ttyACM0', A);
    await gateway.start();
    await open('boards-A');
    const second = await plug('2', 'ttyACM1', { ...B, product: 'Pico' });
    await plug('3', 'ttyUSB0', { vendorId: '0403', serialNumber: 'C' });
    await open('boards-B');
    await first.report('temp', 1);
    await second.report('temp', 2);
    await store.waitForPoint(nodeOf('boards-A'), 'temp', '0', isAt(1));
    await store.waitForPoint(nodeOf('boards-B'), 'temp', '0', isAt(2));
    await store.waitForPoint(
      nodeOf('boards-B'),
      'description',
      '0',
      ({ text }) => text === 'boards B',
    );
    expect(links()).toEqual(['boards-A', 'boards-B']);
  });

  it('come back as the same node, under whatever path, and get what was set meanwhile', async () => {
    const { store, gateway, plug, open, nodeOf } = await rig();
    await gateway.start();
    const board = await plug('1', 'ttyACM0', A);
    await open('boards-A');
    await board.report('temp', 1);
    const node = nodeOf('boards-A');
    await store.waitForPoint(node, 'connected', '0', isAt(1));
    await board.pull();
    await store.waitForPoint(node, 'connected', '0', isAt(0));
    await until(
      () => gateway.link('boards-A').portProblem === 'USB device 2e8a:000a A is not plugged in',
      'the reason',
    );
    await store.setAs('user-1', node, 'limit', '', 7);
    await until(() => gateway.link('boards-A').pending.length === 1, 'the setting to wait');
    // Another board has its old path and its old socket now.
    await plug('1', 'ttyACM0', B);
    const back = await plug('2', 'ttyACM1', A);
    expect((await back.mcu.waitForSetting('limit')).value).toBe(7);
    await open('boards-B');
    expect(nodeOf('boards-A')).toBe(node);
  });

  it('of one serial number and two vendors do not get each other’s settings', async () => {
    const transport = { type: 'usb', serialNumber: '0001' };
    const { store, gateway, plug, open, nodeOf } = await rig({ name: 'all', transport });
    await gateway.start();
    const ids = { vendorId: '10c4', productId: 'ea60', serialNumber: '0001' };
    const first = await plug('1', 'ttyUSB0', ids);
    await open('all-0001');
    await first.pull();
    const node = nodeOf('all-0001');
    await store.setAs('user-1', node, 'limit', '', 7);
    await until(() => gateway.link('all-0001').pending.length === 1, 'the setting to wait');
    await plug('1', 'ttyUSB0', { vendorId: '0403', productId: '6001', serialNumber: '0001' });
    const other = 'all-0001@0403:6001';
    await open(other);
    expect(nodeOf(other)).not.toBe(node);
    // Known by that over restarts, too.
    await gateway.restart();
    await open(other);
    expect(gateway.link('all-0001').pending.length).toBe(1);
    expect(complaints(gateway.said)).toContainEqual(
      expect.stringContaining('has the serial number of all-0001'),
    );
  });

  it('are known over restarts: what is set while one is away waits for it', async () => {
    const { store, gateway, plug, open, nodeOf, links } = await rig();
    await gateway.start();
    const board = await plug('1', 'ttyACM0', A);
    await open('boards-A');
    await board.report('temp', 1);
    const node = nodeOf('boards-A');
    await board.pull();
    await gateway.restart();
    await until(
      () => links().includes('boards-A') && gateway.link('boards-A').node === 'alive',
      'the link',
    );
    await store.setAs('user-1', node, 'limit', '', 7);
    await until(() => gateway.link('boards-A').pending.length === 1, 'the setting to wait');
    const back = await plug('4', 'ttyACM9', A);
    expect((await back.mcu.waitForSetting('limit')).value).toBe(7);
  });

  it('whose node somebody deleted are forgotten once they are gone', async () => {
    const { store, gateway, plug, open, nodeOf, links } = await rig();
    await gateway.start();
    const board = await plug('1', 'ttyACM0', A);
    await open('boards-A');
    const node = nodeOf('boards-A');
    await store.edgeAs('user-1', node, gateway.id, { deleted: true });
    await until(() => gateway.link('boards-A').node === 'deleted', 'the deletion to be heard');
    await board.pull();
    await plug('2', 'ttyACM1', B);
    await open('boards-B');
    expect(links()).toEqual(['boards-B']);
    await gateway.restart();
    expect(links()).toEqual(['boards-B']);
  });

  it('stay attached when another link changes, and leave when theirs does', async () => {
    const { gateway, document, plug, open, links } = await rig();
    await gateway.start();
    const board = await plug('1', 'ttyACM0', A);
    await open('boards-A');
    const other = { name: 'x', transport: { type: 'tcp', host: '127.0.0.1', port: 9 } };
    const [template] = (document as { links: object[] }).links;
    await gateway.reload({ ...document, links: [template, other] });
    expect(board.openings()).toBe(1);
    expect(links()).toEqual(['boards-A', 'x']);
    await gateway.reload({ ...document, links: [{ ...template, restore: false }, other] });
    await open('boards-A');
    await until(() => board.openings() === 2, 'the port to be opened again');
    await gateway.reload({ ...document, links: [other] });
    expect(links()).toEqual(['x']);
  });

  it('that two links match belong to the first of them, which is logged once', async () => {
    const also = { name: 'also', transport: { type: 'usb', product: 'Pi*' }, protocol: 'compact' };
    const { gateway, document, plug, open, links } = await rig(also);
    await gateway.start();
    const PICO = { product: 'Pico' };
    const board = await plug('1', 'ttyACM0', { ...A, ...PICO });
    const other = await plug('2', 'ttyACM1', { ...B, ...PICO });
    await plug('3', 'ttyACM2', { ...PICO, serialNumber: 'C', vendorId: '1d50' });
    for (const name of ['boards-A', 'boards-B', 'also-C']) await open(name);
    const warnings = () =>
      complaints(gateway.said).filter((line) => line.includes('matches boards as well'));
    expect(links().sort()).toEqual(['also-C', 'boards-A', 'boards-B']);
    expect(warnings()).toHaveLength(1);
    // In the other order the other has them; nobody opens what is still open.
    const all = (document as { links: object[] }).links;
    await gateway.reload({ ...document, links: [...all].reverse() });
    for (const name of ['also-A', 'also-B', 'also-C']) await open(name);
    expect(gateway.link('boards-A').port).toBe('closed');
    expect([board.openings(), other.openings()]).toEqual([2, 2]);
    await gateway.reload({ ...document, links: all.slice(0, 1) });
    for (const name of ['boards-A', 'boards-B']) await open(name);
  });

  it('do not take the name of another link', async () => {
    const { gateway, plug } = await rig({
      name: 'boards-A',
      transport: { type: 'tcp', host: '127.0.0.1', port: 9 },
    });
    await gateway.start();
    await plug('1', 'ttyACM0', A);
    await until(
      () => complaints(gateway.said).some((line) => line.includes('rename it')),
      'the complaint',
    );
    expect(gateway.link('boards-A').transport).toBe('tcp 127.0.0.1:9');
  });

  it('get their link once the other link of that name is renamed, as the message says', async () => {
    const other = { name: 'boards-A', transport: { type: 'tcp', host: '127.0.0.1', port: 9 } };
    const { gateway, document, plug, open } = await rig(other);
    await plug('1', 'ttyACM0', A);
    await gateway.start();
    await until(
      () => complaints(gateway.said).some((line) => line.includes('rename it')),
      'the complaint',
    );
    const [boards] = document.links;
    await gateway.reload({ ...document, links: [boards, { ...other, name: 'pump' }] });
    await open('boards-A');
  });

  it('of two configured links that get one name at the same moment: one has it', async () => {
    const usb = (name: string, vendorId: string) => ({
      name,
      transport: { type: 'usb', vendorId },
      protocol: 'compact',
    });
    const { gateway, plug, open, links } = await rig(usb('x', '0001'), usb('x-b', '0002'));
    await gateway.start();
    const both = await Promise.all([
      plug('1', 'ttyACM0', { vendorId: '0001', serialNumber: 'b-1' }),
      plug('2', 'ttyACM1', { vendorId: '0002', serialNumber: '1' }),
    ]);
    await open('x-b-1');
    await until(
      () => complaints(gateway.said).some((line) => line.includes('another link of that name')),
      'the complaint',
    );
    expect(links()).toEqual(['x-b-1']);
    expect(both.map((device) => device.openings()).sort()).toEqual([0, 1]);
  });

  it('with several ports on one interface have a link for the first one, also when others come, which is logged', async () => {
    const { gateway, machine, plug, open, links } = await rig();
    const first = await plug('1', 'ttyUSB9', A);
    await gateway.start();
    await open('boards-A');
    const second = await openDevice();
    machine.plug('1', 'ttyUSB10', second.pipe.path, A);
    await until(
      () => complaints(gateway.said).some((line) => line.includes('same USB interface')),
      'the warning',
    );
    await gateway.restart();
    await open('boards-A');
    expect(gateway.link('boards-A').transport).toContain('ttyUSB9');
    expect([links(), first.openings(), second.openings()]).toEqual([['boards-A'], 2, 0]);
  });

  it('that a changed configuration gives to another link, or to none, are not reported as unplugged', async () => {
    const { gateway, document, plug, open } = await rig();
    await plug('1', 'ttyACM0', { ...A, product: 'Pico' });
    await gateway.start();
    await open('boards-A');
    const [boards] = document.links;
    const transport = { type: 'usb', product: 'Teensy*' };
    await gateway.reload({ ...document, links: [{ ...boards, transport }] });
    await until(
      () => gateway.link('boards-A').portProblem?.includes('do not match it any more') === true,
      () => `the reason: ${gateway.link('boards-A').portProblem ?? ''}`,
    );
  });

  it('without a device file, as in a container, are reported as such', async () => {
    const { gateway, machine, plug, links } = await rig();
    await plug('1', 'ttyACM0', A);
    rmSync(join(machine.root, 'dev/ttyACM0'));
    await gateway.start();
    await until(
      () =>
        links().includes('boards-A') &&
        gateway.link('boards-A').portProblem?.includes('although the device is plugged in') ===
          true,
      'the reason',
    );
  });
});

it('a USB device that does not answer keeps no other link from starting, and has its own when it does', async () => {
  const tcp = { name: 'far', transport: { type: 'tcp', host: '127.0.0.1', port: 9 } };
  const { machine, gateway, plug, open, links } = await rig(tcp);
  await plug('1', 'ttyACM0', A);
  const serial = join(machine.root, 'sys/devices/pci0/usb1/1-1/serial');
  rmSync(serial);
  execFileSync('mkfifo', [serial]);
  await gateway.start();
  expect(links()).toEqual(['far']);
  const writer = await openFile(serial, 'w');
  // The next look is to find a number as well.
  rmSync(serial);
  writeFileSync(serial, 'A\n');
  await writer.writeFile('A\n');
  await writer.close();
  await open('boards-A');
});

describe('what is known of USB boards', () => {
  it('is written once the disk has room again', async () => {
    const { gateway, disk, plug, open } = await rig();
    await gateway.start();
    disk.fill();
    await plug('1', 'ttyACM0', A);
    await open('boards-A');
    await until(
      () => complaints(gateway.said).some((line) => line.includes('usb.json')),
      'the complaint',
    );
    disk.free();
    await until(() => existsSync(disk.usbFile), 'usb.json to be written');
  });

  it('is written at the end if it could not be written before: a board that was confirmed stays confirmed', async () => {
    const { gateway, disk, plug, open } = await rig();
    await gateway.start();
    const name = 'boards-pci0-usb2-1';
    const first = await plug('1', 'ttyACM0', {});
    await open(name);
    await first.pull();
    await until(() => gateway.link(name).port === 'closed', 'the port to close');
    await plug('1', 'ttyACM0', { productId: '0005' });
    await until(() => gateway.link(name).advice.length > 0, 'the settings to be held');
    disk.fill();
    const { request } = await asker(nats, gateway.id);
    await request('confirm', JSON.stringify({ link: name }));
    await until(
      () => complaints(gateway.said).some((line) => line.includes('usb.json')),
      'the complaint',
    );
    disk.free();
    await gateway.restart();
    await open(name);
    expect(gateway.link(name).advice).toEqual([]);
  });

  it('is put aside where it cannot be read, not overwritten', async () => {
    const { gateway, disk, plug, open } = await rig();
    await gateway.start();
    await plug('1', 'ttyACM0', A);
    await open('boards-A');
    await gateway.gateway.stop();
    rmSync(disk.usbFile);
    mkdirSync(disk.usbFile);
    writeFileSync(join(disk.usbFile, 'mark'), '');
    await gateway.restart();
    await open('boards-A');
    expect(existsSync(`${disk.usbFile}.broken/mark`)).toBe(true);
    expect(complaints(gateway.said).join()).toContain('put aside');
  });

  it('and cannot be read from a disk that hangs delays this board alone: the others end as they should', async () => {
    const tcp = { name: 'far', transport: { type: 'tcp', host: '127.0.0.1', port: 9 } };
    const { folder, gateway, plug, links } = await rig(tcp);
    await gateway.start();
    const id = nodeIdOf({ name: 'boards-A', node: {} } as LinkConfig, gateway.id);
    const names = join(folder, `state/links/${id}.names`);
    execFileSync('mkfifo', [names]);
    const device = await plug('1', 'ttyACM0', A);
    const writer = await openFile(names, 'w'); // Somebody reads it, and gets nothing.
    await gateway.gateway.stop();
    expect(gateway.said.at(-1)?.message).toBe('gateway has ended');
    await writer.close();
    expect([links(), device.openings()]).toEqual([['far'], 0]);
  });
});

describe('a board without a serial number, where another one was', () => {
  it('has its settings held back until somebody confirms it', async () => {
    const { store, gateway, plug, open, nodeOf } = await rig();
    await gateway.start();
    const name = 'boards-pci0-usb2-1';
    const first = await plug('1', 'ttyACM0', {});
    await open(name);
    await first.report('temp', 1);
    const node = nodeOf(name);
    await first.pull();
    await store.setAs('user-1', node, 'limit', '', 7);
    await until(() => gateway.link(name).pending.length === 1, 'the setting to wait');
    const other = await plug('1', 'ttyACM0', { productId: '0005' });
    await open(name);
    await other.report('temp', 2);
    await store.waitForPoint(node, 'temp', '0', isAt(2));
    const why = /2e8a:0005 is plugged in where 2e8a:000a was.*siot-mcu confirm/;
    expect(gateway.link(name).pending[0]?.reason).toMatch(why);
    expect(gateway.link(name).advice.join()).toMatch(why);
    expect(
      other.mcu.received.some(({ points }) => points.some(({ type }) => type === 'limit')),
    ).toBe(false);

    const { request } = await asker(nats, gateway.id);
    expect(await request('confirm', JSON.stringify({ link: 'boards' }))).toMatchObject({
      state: 'refused',
    });
    expect(await request('confirm', JSON.stringify({ link: name }))).toEqual({
      state: 'confirmed',
    });
    expect((await other.mcu.waitForSetting('limit')).value).toBe(7);
    await until(() => gateway.link(name).pending.length === 0, 'the acknowledgement');
    expect(gateway.link(name).advice).toEqual([]);
    expect(await request('confirm', JSON.stringify({ link: name }))).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('nothing to confirm') as string,
    });
    // That is the board from now on.
    await gateway.restart();
    await open(name);
    expect(gateway.link(name).advice).toEqual([]);
  });

  it.each([
    ['the value of a setting that waits does not end it', 7, 'after'],
    ['another value does not take back what is in force for the board', 3, 'before'],
  ] as const)('reports of another board there: %s', async (_what, reported, set) => {
    const { store, gateway, plug, open, nodeOf } = await rig();
    await gateway.start();
    const name = 'boards-pci0-usb2-1';
    const first = await plug('1', 'ttyACM0', {});
    await open(name);
    await first.report('uptime', 100);
    const node = nodeOf(name);
    if (set === 'before') {
      await store.setAs('user-1', node, 'limit', '', 7);
      await first.mcu.waitForSetting('limit');
      await until(() => gateway.link(name).pending.length === 0, 'the acknowledgement');
    }
    await first.pull();
    if (set === 'after') {
      await store.setAs('user-1', node, 'limit', '', 7);
      await until(() => gateway.link(name).pending.length === 1, 'the setting to wait');
    }
    const other = await plug('1', 'ttyACM0', { productId: '0005' });
    await open(name);
    await other.report('limit', reported);
    await other.report('temp', 2);
    await store.waitForPoint(node, 'temp', '0', isAt(2));
    await other.pull();
    // The right board again, freshly powered: it has forgotten what it was told.
    const back = await plug('1', 'ttyACM0', {});
    await open(name);
    await back.report('uptime', 1);
    expect((await back.mcu.waitForSetting('limit')).value).toBe(7);
  });
});

describe('once the gateway is about to stop', () => {
  it('the bus is not watched any more, and boards get no links', async () => {
    const clock = new FakeClock();
    const machine = new UsbMachine();
    machine.plug('1', 'ttyACM0', '/dev/null', A);
    const document = (...names: string[]): object => ({
      links: names.map((name) => ({ name, transport: { type: 'usb', vendorId: '2E8A' } })),
    });
    const config = configOf(document('boards', 'others'));
    const asked: string[] = [];
    const groups = new UsbLinkGroups(
      {
        addLink: ({ name }) => Promise.resolve(void asked.push(name)),
        removeLink: () => Promise.resolve(),
      },
      { config },
      new StateDir(tempDir(), SILENT_LOG),
      { clock, log: SILENT_LOG, where: { root: machine.root } },
    );
    const [boards, others] = config.links.filter(isUsbTemplate);
    await groups.add(boards!);
    await groups.lookAgain();
    expect(asked).toEqual(['boards-A', 'boards-A']);
    expect(clock.pendingTimers).toBe(1);

    groups.prepareStop();
    expect(clock.pendingTimers).toBe(0);
    await groups.lookAgain();
    await groups.add(others!);
    expect(asked).toEqual(['boards-A', 'boards-A']);
    expect(groups.templates()).toEqual([boards]);
    await groups.stop();
  });
});
