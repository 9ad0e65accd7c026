/** Links of type `usb`, with boards that are really plugged in and pulled. */
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedMcu, machineClock } from '../../firmware-sim/index.js';
import { SerialPipe } from '../../firmware-sim/serial.js';
import { SystemClock, type Clock, type Timer } from '../../src/point/clock.js';
import { GatewayUnderTest, startStore } from '../gateway/plant.js';
import { until } from '../support/until.js';
import { SLOWNESS, mcuTimes } from '../support/slowness.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { EXTENT } from './support/extent.js';
import { Peer } from './support/system.js';
import { UsbDevice, type UsbDeviceOptions } from './support/usb.js';

const HOLD_PORT = resolve('test/transport/serial/hold-port.mjs');
const nats = useNats();
const clock = new SystemClock();
const isLimit = ({ type }: { readonly type: string }): boolean => type === 'limit';
const isAt = (value: number) => (point: { readonly number: number }) => point.number === value;

/** Longer ones are for looking again, or for giving up; none of what an event starts takes so long. */
const SHORT_TIMER_MS = 100;

/** A clock whose longer timers can be held back: what happens meanwhile, events have caused. */
class EventClock implements Clock {
  eventsOnly = false;
  readonly #late: (() => void)[] = [];

  monotonicMs(): number {
    return clock.monotonicMs();
  }

  wallNs(): bigint {
    return clock.wallNs();
  }

  setTimer(ms: number, fn: () => void): Timer {
    let cancelled = false;
    const timer = clock.setTimer(ms, () => {
      if (ms > SHORT_TIMER_MS && this.eventsOnly) this.#late.push(() => cancelled || fn());
      else fn();
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** What has not fired meanwhile does now. */
  release(): void {
    this.eventsOnly = false;
    for (const fn of this.#late.splice(0)) fn();
  }
}

const ANY_BOARD = { type: 'usb', vendorId: '1209', productId: '0001' };

async function rig(transport: object = ANY_BOARD, itsClock: Clock = clock) {
  const store = await startStore(nats);
  const document = {
    nats: { servers: nats.url },
    links: [{ name: 'boards', transport, protocol: 'compact', ackTimeoutMs: 100 * SLOWNESS }],
  };
  const gateway = new GatewayUnderTest(tempDir(), document, { clock: itsClock });
  await gateway.start();
  const links = (): string[] => gateway.gateway.control.status().links.map(({ name }) => name);
  const isOpen = (name: string): boolean =>
    links().includes(name) &&
    gateway.link(name).port === 'open' &&
    gateway.link(name).node === 'alive';
  const open = (name: string): Promise<unknown> =>
    until(
      () => isOpen(name),
      () => `${name}: ${JSON.stringify(gateway.gateway.control.status())}`,
    );
  const connected = (name: string, is: 0 | 1): Promise<unknown> =>
    store.waitForPoint(gateway.link(name).nodeId, 'connected', '0', isAt(is));
  return { store, gateway, links, open, connected };
}

/** A board with firmware, not plugged in yet. */
async function board(options: UsbDeviceOptions) {
  const device = new UsbDevice(options);
  onTestFinished(() => device.remove());
  const pipe = await SerialPipe.open({ path: device.devicePath });
  const mcu = new SimulatedMcu(pipe, {
    clock: machineClock,
    protocol: 'compact',
    ...mcuTimes,
  });
  onTestFinished(async () => {
    // The cable first: a gadget's port waits with closing until all has been taken.
    await device.unplug();
    await mcu.close();
  });
  const report = async (value: number): Promise<void> => {
    const point = { type: 'temp', key: '', value, time: clock.wallNs() };
    expect((await mcu.sendPoints([point])).outcome).toBe('acknowledged');
  };
  return { device, mcu, report };
}

describe('a USB board', () => {
  it('is open and in SIOT within a second of being plugged in, and gone at once, by events alone', async () => {
    const eventClock = new EventClock();
    const { store, gateway, open, connected } = await rig(ANY_BOARD, eventClock);
    // What is loaded for the first port of all does not count.
    const first = await board({ serialNumber: 'B', place: 1 });
    await first.device.plug();
    await open('boards-B');
    const { device, report } = await board({ serialNumber: 'A', place: 0 });
    eventClock.eventsOnly = true;
    await device.plug();
    const before = performance.now();
    await open('boards-A');
    expect(performance.now() - before).toBeLessThan(1_000 * SLOWNESS);
    await report(1);
    await connected('boards-A', 1);
    const pulled = performance.now();
    await device.unplug();
    await connected('boards-A', 0);
    expect(performance.now() - pulled).toBeLessThan(1_000 * SLOWNESS);
    eventClock.release();
    await store.setAs('user-1', gateway.link('boards-A').nodeId, 'limit', '', 7);
    await until(() => gateway.link('boards-A').pending.length === 1, 'the setting to wait');
  });

  it('gets what was set while it was away, in another socket, and two do not change places', async () => {
    const { store, gateway, open, connected } = await rig();
    const [a, b] = [
      await board({ serialNumber: 'A', place: 0 }),
      await board({ serialNumber: 'B', place: 1 }),
    ];
    await a.device.plug();
    await b.device.plug();
    await open('boards-A');
    await open('boards-B');
    await a.report(1);
    await b.report(2);
    const nodes = ['boards-A', 'boards-B'].map((name) => gateway.link(name).nodeId);
    await connected('boards-A', 1);
    await a.device.unplug();
    await b.device.unplug();
    await store.setAs('user-1', nodes[0] ?? '', 'limit', '', 7);
    await store.setAs('user-1', nodes[1] ?? '', 'limit', '', 8);
    await until(() => gateway.link('boards-B').pending.length === 1, 'the setting to wait');
    // B comes first and takes the path that A had.
    await b.device.plug();
    await a.device.plug();
    expect(b.device.hostPath < a.device.hostPath).toBe(true);
    expect((await a.mcu.waitForSetting('limit')).value).toBe(7);
    expect((await b.mcu.waitForSetting('limit')).value).toBe(8);
    expect(['boards-A', 'boards-B'].map((name) => gateway.link(name).nodeId)).toEqual(nodes);
  });

  it('with the serial number of another one is told apart by place, and they do not change places', async () => {
    const { store, gateway, links, open } = await rig();
    const [a, b] = [
      await board({ serialNumber: 'X', place: 0 }),
      await board({ serialNumber: 'X', place: 1 }),
    ];
    const warnings = (): number =>
      gateway.said.filter(({ message }) => message.includes('have this serial number')).length;
    await a.device.plug();
    await open('boards-X');
    expect(warnings()).toBe(0);
    await b.device.plug();
    await until(() => links().length === 2, 'the second link');
    const names = ['boards-X', links().find((name) => name !== 'boards-X') ?? ''] as const;
    expect(names[1]).toMatch(/^boards-X@dummy_hcd\.1-usb\d+-1$/);
    await open(names[1]);
    expect(warnings()).toBe(1);
    await a.report(1);
    await b.report(2);
    const nodes = names.map((name) => gateway.link(name).nodeId);
    await store.waitForPoint(nodes[0] ?? '', 'temp', '0', isAt(1));
    await store.waitForPoint(nodes[1] ?? '', 'temp', '0', isAt(2));
    await a.device.unplug();
    await b.device.unplug();
    await store.setAs('user-1', nodes[0] ?? '', 'limit', '', 7);
    await store.setAs('user-1', nodes[1] ?? '', 'limit', '', 8);
    await until(
      () => names.every((name) => gateway.link(name).pending.length === 1),
      'the settings to wait',
    );
    // B comes first, takes the path that A had, and is the only one with the number.
    await b.device.plug();
    await open(names[1]);
    expect(gateway.link('boards-X').port).toBe('closed');
    expect((await b.mcu.waitForSetting('limit')).value).toBe(8);
    await a.device.plug();
    expect(b.device.hostPath < a.device.hostPath).toBe(true);
    expect((await a.mcu.waitForSetting('limit')).value).toBe(7);
    expect([...a.mcu.receivedPoints, ...b.mcu.receivedPoints].filter(isLimit)).toHaveLength(2);
    await a.report(3);
    await store.waitForPoint(nodes[0] ?? '', 'temp', '0', isAt(3));
    expect(links().sort()).toEqual([...names]);
    expect(warnings()).toBe(1);
  });

  it(`survives ${String(EXTENT.plugCycles)} times of plugging and pulling, and leaves nothing behind`, async () => {
    const { gateway, open, connected } = await rig();
    const { device, report } = await board({ serialNumber: 'A' });
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    let early = 0;
    for (let cycle = 1; cycle <= EXTENT.plugCycles; cycle += 1) {
      await device.plug();
      await open('boards-A');
      // Also pulled in the middle of something, every second time.
      if (cycle % 2 === 0) {
        await report(cycle);
        await connected('boards-A', 1);
      }
      await device.unplug();
      await until(() => gateway.link('boards-A').port === 'closed', 'the port to be gone');
      if (cycle === 10) early = descriptors();
    }
    await until(
      () => descriptors() <= early,
      () => `${String(descriptors())} descriptors, ${String(early)} early on`,
    );
    await device.plug();
    await open('boards-A');
    await report(1000);
  }, 900_000);

  it('that starts its boot loader is left alone, and is back after it', async () => {
    const { gateway, open, connected, links } = await rig();
    const { device, mcu, report } = await board({ serialNumber: 'A' });
    await device.plug();
    await open('boards-A');
    await report(1);
    await connected('boards-A', 1);
    await device.unplug();
    device.change({ productId: 0x0036, product: 'Boot loader' });
    mcu.clearReceived();
    await device.plug();
    // Once the gateway has seen another board, it has seen the boot loader as well.
    const other = await board({ serialNumber: 'B' });
    await other.device.plug();
    await open('boards-B');
    expect(links()).toEqual(['boards-A', 'boards-B']);
    expect(gateway.link('boards-A').port).toBe('closed');
    expect(mcu.received).toEqual([]);
    await device.unplug();
    device.change({ productId: 0x0001 });
    await device.plug();
    await open('boards-A');
    await report(2);
  });

  it('without a serial number, where another kind was, has its settings held back', async () => {
    const { store, gateway, links, open, connected } = await rig({ type: 'usb', vendorId: '1209' });
    const { device, mcu, report } = await board({ serialNumber: undefined, place: 3 });
    await device.plug();
    await until(() => gateway.gateway.control.status().links.length === 1, 'the link');
    const name = links()[0] ?? '';
    expect(name).toMatch(/^boards-dummy_hcd\.3-usb2-1$/);
    await open(name);
    await report(1);
    await connected(name, 1);
    await device.unplug();
    await store.setAs('user-1', gateway.link(name).nodeId, 'limit', '', 7);
    await until(() => gateway.link(name).pending.length === 1, 'the setting to wait');
    device.change({ productId: 0x0002 });
    mcu.clearReceived();
    await device.plug();
    await open(name);
    await report(2);
    expect(gateway.link(name).pending[0]?.reason).toContain('siot-mcu confirm');
    expect(mcu.receivedPoints.some(({ type }) => type === 'limit')).toBe(false);
    await device.unplug();
    device.change({ productId: 0x0001 });
    await device.plug();
    expect((await mcu.waitForSetting('limit')).value).toBe(7);
  });

  it('with two serial ports has two links', async () => {
    const { open, links } = await rig();
    const device = new UsbDevice({ serialNumber: 'A', ports: 2 });
    onTestFinished(() => device.remove());
    await device.plug();
    await until(() => links().length === 2, 'two links');
    const [first = '', second = ''] = links().sort();
    expect([first, second]).toEqual(['boards-A', expect.stringMatching(/^boards-A-if0\d$/)]);
    await open(first);
    await open(second);
  });

  it('that another program has taken for its first seconds is opened afterwards', async () => {
    const { device, report } = await board({ serialNumber: 'A' });
    await device.plug();
    const holder = new Peer(process.execPath, HOLD_PORT, device.hostPath, 'exclusive');
    onTestFinished(() => holder.stop());
    await holder.said(/ready/);
    const { gateway, links, open } = await rig();
    // The gateway does not wait long for its first look at the bus: the link may come later.
    const problem = (): string =>
      links().includes('boards-A') ? (gateway.link('boards-A').portProblem ?? '') : 'no link yet';
    await until(() => problem().includes(`(pid ${String(holder.pid)})`), problem);
    holder.write();
    await open('boards-A');
    await report(1);
  });
});

it('a path whose folder vanishes with the device works when both are back', async () => {
  // As udev makes /dev/serial/by-id, which goes with its last device.
  const path = join(tempDir(), 'by-id', 'usb-Lab-if00');
  const { device, report } = await board({ serialNumber: 'A' });
  const plug = async (): Promise<void> => {
    await device.plug();
    mkdirSync(dirname(path));
    symlinkSync(device.hostPath, path);
  };
  const { open, connected } = await rig({ type: 'serial', path });
  await plug();
  await open('boards');
  await report(1);
  await connected('boards', 1);
  rmSync(dirname(path), { recursive: true });
  await device.unplug();
  await connected('boards', 0);
  await plug();
  await open('boards');
  await report(2);
});
