import type { LinuxBinding, LinuxPortBinding } from '@serialport/bindings-cpp';
import { basename } from 'node:path';
import { driverOf } from '../../linux/sysfs.js';
import type { Clock } from '../../point/clock.js';
import { busy, explainOpenError } from './port-access.js';
import type { PortProbe } from './port-access.js';
import { isPty } from './port-holders.js';
import type { Rs485Options, SerialOptions } from './options.js';
import { applyRs485, rs485WithoutIoctl } from './rs485.js';
import { checkSettings, completeSettings } from './settings.js';
import { TransportError } from '../transport.js';
import type { ModemLine, TtyIoctl } from '../../linux/tty-ioctl.js';

/** ms between two questions to the driver whether it has sent everything. */
const UNSENT_POLL_MS = 10;

const WITHOUT_IOCTL =
  'the optional package koffi cannot be loaded here. It cannot be seen whether another program has ' +
  'taken the port for itself, other programs are not kept out, `dtr`, `rts` and `hupcl` are left ' +
  'as they are, and settings that the driver refuses go unnoticed';

/**
 * The descriptor that reserves a port while a link uses it, and sets it up:
 * settings, advisory lock, exclusive mode, modem lines. No data goes through it.
 */
export class SerialControl {
  readonly #port: LinuxPortBinding;
  readonly #fd: number;
  readonly #options: SerialOptions;
  readonly #probe: PortProbe;
  readonly #clock: Clock;
  readonly #ioctl: TtyIoctl | undefined;
  readonly #warnings: string[] = [];
  #exclusive = false;

  private constructor(
    port: LinuxPortBinding,
    fd: number,
    options: SerialOptions,
    probe: PortProbe,
    clock: Clock,
    ioctl: TtyIoctl | undefined,
  ) {
    this.#port = port;
    this.#fd = fd;
    this.#options = options;
    this.#probe = probe;
    this.#clock = clock;
    this.#ioctl = ioctl;
  }

  /**
   * Sets the port up. Bytes that were received before are thrown away: their age and
   * the settings at that time are not known. Rejects with a TransportError: `busy`,
   * `permission`, `notFound`, `unsupportedSetting` or `io`.
   */
  static async open(
    options: SerialOptions,
    probe: PortProbe,
    clock: Clock,
    ioctl: TtyIoctl | undefined,
  ): Promise<SerialControl> {
    const port = await openBinding(options, probe.devicePath);
    const fd = port.fd;
    if (fd === null)
      throw new TransportError('io', `${options.path} was closed while it was opened`);
    const control = new SerialControl(port, fd, options, probe, clock, ioctl);
    try {
      if (ioctl !== undefined) {
        checkSettings(options, probe.device, completeSettings(ioctl, fd, options));
      }
      if (options.rs485 !== undefined) await control.#switchDirection(options.rs485);
      // The binding does so only at rates that it has a constant for.
      await port.flush();
    } catch (error) {
      await control.close(0);
      throw error;
    }
    return control;
  }

  /** Takes exclusive mode and sets the modem lines; after libuv has opened the device. Returns warnings. */
  takePort(): string[] {
    const { path, dtr, rts } = this.#options;
    const ioctl = this.#ioctl;
    if (ioctl === undefined) return [`${path}: ${WITHOUT_IOCTL}.`];
    ioctl.setExclusive(this.#fd, true);
    this.#exclusive = true;
    const warnings = [...this.#warnings];
    for (const [line, state] of [
      ['dtr', dtr],
      ['rts', rts],
    ] as const) {
      if (state === 'leave' || this.#setLine(ioctl, line, state === 'on')) continue;
      warnings.push(`${path}: its driver cannot switch ${line.toUpperCase()}; left as it is.`);
    }
    return warnings;
  }

  /**
   * Waits up to `graceMs` until the driver has sent its bytes, throws the rest away,
   * ends exclusive mode and closes. With unsent bytes, closing would wait half a
   * minute for a device that stops them by flow control. Never rejects.
   */
  async close(graceMs: number): Promise<void> {
    const ioctl = this.#ioctl;
    if (ioctl !== undefined) {
      const until = this.#clock.monotonicMs() + graceMs;
      while (this.#unsent(ioctl) > 0 && this.#clock.monotonicMs() < until) {
        await new Promise<void>((resolve) => this.#clock.setTimer(UNSENT_POLL_MS, resolve));
      }
      attempt(() => {
        if (this.#unsent(ioctl) > 0) ioctl.discardUnsent(this.#fd);
      });
      attempt(() => {
        if (this.#exclusive) ioctl.setExclusive(this.#fd, false);
      });
    }
    await this.#port.close().catch(() => undefined);
  }

  /** Throws `unsupportedSetting`. */
  async #switchDirection(asked: Rs485Options): Promise<void> {
    const { path } = this.#options;
    if (this.#ioctl === undefined) throw rs485WithoutIoctl(path);
    const name = basename(this.#probe.devicePath);
    const driver = await driverOf(`/sys/class/tty/${name}/device`);
    this.#warnings.push(...applyRs485(this.#ioctl, this.#fd, { path, driver }, asked));
  }

  #setLine(ioctl: TtyIoctl, line: ModemLine, on: boolean): boolean {
    const done = attempt(() => ioctl.setModemLine(this.#fd, line, on));
    return done || isPty(this.#probe.device); // a PTY has no modem lines
  }

  #unsent(ioctl: TtyIoctl): number {
    let unsent = 0;
    attempt(() => (unsent = ioctl.unsentBytes(this.#fd)));
    return unsent; // after a hang-up the driver refuses the call: nothing to wait for
  }
}

async function openBinding(options: SerialOptions, devicePath: string): Promise<LinuxPortBinding> {
  const { path, baudRate, dataBits, parity, stopBits, rtscts, xonxoff, hupcl } = options;
  let binding: typeof LinuxBinding;
  try {
    ({ LinuxBinding: binding } = await import('@serialport/bindings-cpp'));
  } catch (error) {
    const message =
      'the package @serialport/bindings-cpp cannot be loaded: is there a build of it for this machine?';
    throw new TransportError('io', message, { cause: error });
  }
  try {
    return await binding.open({
      path: devicePath,
      baudRate,
      dataBits,
      parity,
      stopBits,
      rtscts,
      xon: xonxoff,
      xoff: xonxoff,
      hupcl,
      lock: true,
    });
  } catch (error) {
    throw await explainBindingError(path, baudRate, error);
  }
}

/** The binding has no error codes, only the system's texts in its message. */
async function explainBindingError(
  path: string,
  baudRate: number,
  error: unknown,
): Promise<TransportError> {
  const text = error instanceof Error ? error.message : String(error);
  if (/cannot lock port/i.test(text)) return busy(path, 'another program has locked it', error);
  if (/baud/i.test(text)) {
    const message = `${path} does not support baudRate ${baudRate}: ${text}`;
    return new TransportError('unsupportedSetting', message, { cause: error });
  }
  const codes = [
    [/no such (file|device)/i, 'ENOENT'],
    [/permission denied/i, 'EACCES'],
    [/resource busy/i, 'EBUSY'],
  ] as const;
  const code = codes.find(([words]) => words.test(text))?.[1];
  return explainOpenError(path, Object.assign(new Error(text, { cause: error }), { code }));
}

/** Whether the call succeeded. */
function attempt(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}
