import type { SimClock } from '../clock.js';
import { DeviceFaults, type FaultNotice } from '../device-faults.js';
import { NO_FAULTS, type FaultPlan } from '../faults.js';
import { FaultyPipe } from '../faulty-pipe.js';
import { Firmware, type FirmwareEvents } from '../firmware.js';
import type { BytePipe } from '../pipe.js';
import { parseProfile, type Profile } from '../profile.js';
import { PUMP_CONTROLLER_YAML } from '../pump-controller.js';
import { SeededRandom } from '../random.js';
import { ShellMcu, type ShellMcuOptions } from './mcu.js';

/** Options of a whole device with the shell protocol. */
export interface ShellDeviceOptions extends ShellMcuOptions {
  readonly clock: SimClock;
  /** Default: the pump controller. */
  readonly profile?: Profile;
  /** Default: none. Those of acks and of packets do nothing here. */
  readonly faults?: FaultPlan;
  /** Seed of all random numbers, 0 … 2³² − 1; default: 1. */
  readonly seed?: number;
  /** Told what the firmware does. */
  readonly events?: FirmwareEvents;
  /** Told when a fault begins. */
  readonly notice?: FaultNotice;
}

/** The firmware of a profile behind the console of Zephyr's shell, with faults, on a line. */
export class ShellDevice {
  readonly mcu: ShellMcu;
  readonly firmware: Firmware;
  readonly line: FaultyPipe;
  readonly #faults: DeviceFaults;

  constructor(pipe: BytePipe, options: ShellDeviceOptions) {
    const plan = options.faults ?? NO_FAULTS;
    const random = new SeededRandom(options.seed ?? 1);
    const { clock } = options;
    this.line = new FaultyPipe(pipe, plan, random.fork('line'), clock);
    this.mcu = new ShellMcu(this.line, options);
    this.firmware = new Firmware(
      this.mcu,
      options.profile ?? parseProfile(PUMP_CONTROLLER_YAML),
      random.fork('firmware'),
      options.events,
    );
    this.mcu.all = () => this.firmware.all();
    this.#faults = new DeviceFaults(
      this.mcu,
      this.line,
      plan,
      random.fork('device'),
      clock,
      options.notice,
    );
  }

  /** Power on. */
  start(): void {
    this.mcu.start();
  }

  /** Power off; closes the line. Idempotent. */
  async close(): Promise<void> {
    this.#faults.stop();
    await this.mcu.close();
  }
}
