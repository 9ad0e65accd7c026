/**
 * packaging/siot-mcu.service on a machine with systemd and udev, a USB board that is plugged in,
 * and users beside it. The tests build on each other, as a day of such a machine does.
 */
import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedMcu, machineClock } from '../../firmware-sim/index.js';
import { SerialPipe } from '../../firmware-sim/serial.js';
import { groupName } from '../../src/linux/accounts.js';
import { mcuTimes, SLOWNESS } from '../support/slowness.js';
import { until } from '../support/until.js';
import {
  CONFIG,
  hasSystemd,
  installProgram,
  installUnit,
  journal,
  needsSystemd,
  property,
  runAs,
  serviceRuns,
  shareWithGroup,
  shell,
  startAs,
  type Outcome,
} from './support/service.js';
import { UsbDevice } from './support/usb.js';

needsSystemd('test/lab/service.test.ts');

const LINK = 'pump-LAB1';
/** By the serial number and the interface: see `siot-mcu udev`. */
const STABLE = '/dev/siot-mcu/pump-LAB1-00';
const CONFIGURATION = {
  nats: { embedded: true },
  siot: { store: 'none' },
  links: [
    {
      name: 'pump',
      transport: { type: 'usb', vendorId: '1209', productId: '0001' },
      protocol: 'compact',
      ackTimeoutMs: 100 * SLOWNESS,
    },
  ],
};

let board: UsbDevice;
let mcu: SimulatedMcu;

beforeAll(async () => {
  if (!hasSystemd) return;
  installProgram();
  // What `siot-mcu udev --help` says, and nothing that the unit makes.
  shell('groupadd --system --force siot-mcu');
  installUnit();
  mkdirSync('/etc/siot-mcu', { recursive: true });
  writeFileSync(CONFIG, JSON.stringify(CONFIGURATION));
  shareWithGroup(CONFIG);
  shell('useradd anna && usermod -aG siot-mcu anna && useradd bob');
  board = new UsbDevice();
  const pipe = await SerialPipe.open({ path: board.devicePath });
  mcu = new SimulatedMcu(pipe, { clock: machineClock, protocol: 'compact', ...mcuTimes });
});

afterAll(async () => {
  if (!hasSystemd) return;
  shell('systemctl stop siot-mcu');
  await board.unplug();
  await mcu.close();
  await board.remove();
});

async function report(): Promise<string> {
  const point = { type: 'temp', key: '', value: 21.5, time: machineClock.wallNs() };
  return (await mcu.sendPoints([point])).outcome;
}

/** A command of anna, again where the guest has stood still for longer than a command waits for the gateway. */
async function answered(...args: readonly string[]): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await runAs('anna', ...args);
    if (tries === 3 || !/no gateway answers|no answer from/.test(outcome.stderr)) return outcome;
  }
}

describe('the service', () => {
  it('starts, though somebody has made its group before, and says so in the journal with levels', async () => {
    shell('systemctl start siot-mcu');
    await serviceRuns();
    const entries = journal();
    expect(entries.filter(({ PRIORITY }) => PRIORITY === '6')).not.toEqual([]);
    expect(entries.filter(({ MESSAGE }) => /^[<{\d]/.test(MESSAGE))).toEqual([]);
    expect(statSync('/run/siot-mcu').mode & 0o777).toBe(0o750);
    expect(statSync('/var/lib/siot-mcu').mode & 0o777).toBe(0o700);
  });

  it('talks to a board that is plugged in, which our rules give to its group, under a stable name', async () => {
    shell('siot-mcu udev >/etc/udev/rules.d/70-siot-mcu.rules && udevadm control --reload');
    await board.plug();
    await until(() => existsSync(STABLE), STABLE);
    expect(realpathSync(STABLE)).toBe(board.hostPath);
    const { gid, mode } = statSync(board.hostPath);
    expect([groupName(gid), mode & 0o777]).toEqual(['siot-mcu', 0o660]);
    await mcu.waitForTimeSync();
    expect(await report()).toBe('acknowledged');
  });

  it('is there for users of its group, without an option', async () => {
    const watch = startAs('anna', 'watch', '--json');
    await until(
      async () => (await report()) && /"link":"pump-LAB1".*"type":"temp"/.test(watch.said()),
      watch.said,
      30_000,
    );
    await watch.end();
    const set = await answered('set', LINK, 'setpoint', '4.5');
    expect(set.status, set.stderr).toBe(0);
    mcu.assertReceived('setpoint', ({ value }) => value === 4.5);
    const status = await answered('status');
    expect(status.status, status.stderr).toBe(0);
    expect(status.stdout).toContain(LINK);
  });

  it('refuses another user with the reason', async () => {
    // Also where the configuration may be read, and what the service has put into its folder not.
    const own = '/tmp/bob.yaml';
    writeFileSync(own, JSON.stringify({ ...CONFIGURATION, runtimeDir: '/run/siot-mcu' }));
    const [watch, set] = await Promise.all([
      runAs('bob', 'watch'),
      runAs('bob', 'set', LINK, 'setpoint', '5', '-c', own),
    ]);
    const reason =
      /may not be read by user bob, who is not in the group siot-mcu.*: `sudo usermod -aG siot-mcu bob`, then log in again/;
    expect(watch).toMatchObject({ status: 2, stderr: expect.stringMatching(reason) as string });
    expect(watch.stderr).toContain(CONFIG);
    expect(set).toMatchObject({ status: 1, stderr: expect.stringMatching(reason) as string });
    mcu.assertNotReceived('setpoint', ({ value }) => value === 5);
  });

  it('comes back after kill -9, and nothing that was set is lost', async () => {
    await board.unplug();
    const set = startAs('anna', 'set', LINK, 'setpoint', '6.5', '--timeout', '300');
    await until(() => set.said().includes('is pending'), set.said, 30_000);
    await set.end();
    const before = property('MainPID');
    shell(`kill -9 ${before}`);
    await board.plug();
    await mcu.waitForSetting('setpoint', ({ value }) => value === 6.5);
    expect(property('MainPID')).not.toBe(before);
    expect(property('NRestarts')).toBe('1');
    expect(journal().some(({ PRIORITY }) => Number(PRIORITY) <= 4)).toBe(true);
  });

  it('ends in time, and leaves its state to itself', () => {
    shell('systemctl stop siot-mcu');
    expect(property('Result')).toBe('success');
    expect(existsSync('/run/siot-mcu')).toBe(false);
    expect(existsSync('/var/lib/siot-mcu/gateway.json')).toBe(true);
  });
});
