/** siot-mcu probe, on real PTYs. */
import { closeSync, constants, openSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { machineClock } from '../../firmware-sim/clock.js';
import { SimulatedDevice } from '../../firmware-sim/device.js';
import { parseFaults } from '../../firmware-sim/faults.js';
import { PtyPipe } from '../../firmware-sim/pty.js';
import { loadTtyIoctl } from '../../src/linux/tty-ioctl.js';
import { runCli } from '../support/cli.js';
import { openPty } from '../support/pty.js';
import { SLOWNESS } from '../support/slowness.js';

/** `--seconds` of a machine as slow as this one. */
const seconds = (s: number): string => String(s * SLOWNESS);

async function simulated(faults: string): Promise<string> {
  const pipe = await PtyPipe.open({});
  const device = new SimulatedDevice(pipe, {
    clock: machineClock,
    protocol: 'compact',
    faults: parseFaults(faults),
  });
  onTestFinished(() => device.close());
  device.start();
  return pipe.path;
}

/** A PTY on which `message` is sent each 100 ms. */
function sending(message: () => string | undefined): string {
  const pty = openPty();
  const timer = setInterval(() => {
    const text = message();
    if (text !== undefined) void pty.write(Buffer.from(text, 'latin1'));
  }, 100);
  onTestFinished(async () => {
    clearInterval(timer);
    await pty.close();
  });
  return pty.path;
}

describe('siot-mcu probe', () => {
  it('says what talks, and how to configure it', async () => {
    const path = await simulated('');
    const { status, stdout } = await runCli(['probe', path, '--seconds', seconds(8)]);
    expect(stdout).toContain(`${path}: a device talks: packets with compact points`);
    // It announces its points before it reports them.
    expect(stdout).toMatch(/^ {2}setpoint \(Pressure to hold, bar\): announced$/m);
    expect(stdout).toContain(`transport: { type: serial, path: ${path}, baudRate: 115200 }`);
    expect(stdout).toContain('protocol: compact');
    expect(status).toBe(0);
  });

  it('says what is wrong with a device that does not, as JSON too', async () => {
    const path = sending(() => 'temp=23.5\r\n');
    const { status, stdout, stderr } = await runCli([
      'probe',
      path,
      '--listen',
      '--seconds',
      seconds(2),
      '--json',
    ]);
    const found = JSON.parse(stdout) as {
      talks: boolean;
      tried: { diagnosis: { cause: string; heard: string } }[];
    };
    expect(found.talks).toBe(false);
    expect(found.tried).toHaveLength(1);
    expect(found.tried[0]?.diagnosis.cause).toBe('text');
    expect(found.tried[0]?.diagnosis.heard).toContain('"temp=23.5"');
    expect(stderr).toContain('nothing at');
    expect(status).toBe(1);
  });

  it('tries the baud rates in turn, and ends at the one at which something is recognised', async () => {
    let fd = -1;
    const ioctl = loadTtyIoctl();
    const rate = (): number => (fd < 0 ? 0 : (ioctl?.readSettings(fd).baudRate ?? 0));
    const path = sending(() =>
      rate() === 19_200 ? 'uart:~$ \r\npt temp 0 FLT 23.5\r\n' : '\u0080\u00fe',
    );
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(fd));
    const { status, stdout } = await runCli([
      'probe',
      path,
      '--listen',
      '--seconds',
      seconds(2),
      '--baud',
      '9600,19200,38400',
    ]);
    expect(stdout).toContain(`${path} at 9600 baud: `);
    expect(stdout).toContain(`${path} at 19200 baud: about`);
    expect(stdout).toContain('a shell');
    expect(stdout).toMatch(/at 9600 baud: .*--baud/);
    expect(stdout).not.toContain('siot-mcu probe');
    expect(stdout).not.toContain('38400');
    expect(status).toBe(0);
  });

  it('says that nothing was heard, and refuses wrong words', async () => {
    const pty = openPty();
    onTestFinished(() => pty.close());
    const silent = await runCli(['probe', pty.path, '--seconds', seconds(1)]);
    expect(silent.stdout).toContain('nothing was heard: are TX and RX swapped');
    expect(silent.stdout).toContain('It was spoken to as well');
    expect(silent.status).toBe(1);
    const listening = await runCli(['probe', pty.path, '--listen', '--seconds', seconds(1)]);
    expect(listening.stdout).toContain('leave --listen out');
    for (const { stdout } of [silent, listening]) expect(stdout).not.toContain('siot-mcu probe');
    expect((await runCli(['probe', pty.path, '--baud', 'fast'])).status).toBe(2);
    const missing = await runCli(['probe', '/dev/ttyNobody']);
    expect(missing.stderr).toContain('/dev/ttyNobody does not exist');
    expect(missing.status).toBe(1);
  });
});
