import type { SimClock } from './clock.js';
import type { Protocol } from './codec.js';
import { DeviceFaults, type FaultNotice } from './device-faults.js';
import { NO_FAULTS, type FaultPlan } from './faults.js';
import { FaultyPipe } from './faulty-pipe.js';
import { Firmware, type FirmwareEvents } from './firmware.js';
import { SimulatedMcu, type McuOptions } from './mcu.js';
import type { BytePipe } from './pipe.js';
import { parseProfile, type Profile } from './profile.js';
import { PUMP_CONTROLLER_YAML } from './pump-controller.js';
import { SeededRandom } from './random.js';

export interface DeviceOptions extends Partial<Omit<McuOptions, 'clock' | 'protocol'>> {
  readonly clock: SimClock;
  readonly protocol: Protocol;
  /** The pump controller by default. */
  readonly profile?: Profile;
  readonly faults?: FaultPlan;
  /** Everything that is drawn comes from it: 0 … 2³² − 1; 1 by default. */
  readonly seed?: number;
  readonly events?: FirmwareEvents;
  readonly notice?: FaultNotice;
}

/**
 * A whole device on a line:
 *
 * ```
 *  Firmware ─ SimulatedMcu ─ FaultyPipe ─ BytePipe ═ PTY, TCP …
 *                  DeviceFaults ┘
 * ```
 */
export class SimulatedDevice {
  readonly mcu: SimulatedMcu;
  readonly firmware: Firmware;
  readonly line: FaultyPipe;
  readonly #faults: DeviceFaults;

  constructor(pipe: BytePipe, options: DeviceOptions) {
    const plan = options.faults ?? NO_FAULTS;
    const random = new SeededRandom(options.seed ?? 1);
    const { clock } = options;
    this.line = new FaultyPipe(pipe, plan, random.fork('line'), clock);
    this.mcu = new SimulatedMcu(this.line, options);
    this.firmware = new Firmware(
      this.mcu,
      options.profile ?? parseProfile(PUMP_CONTROLLER_YAML),
      random.fork('firmware'),
      options.events,
    );
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

  /** No more faults from now on: a good line, and a device that behaves. */
  mend(): void {
    this.#faults.stop();
  }

  /** Power off, and the line is let go. Idempotent. */
  async close(): Promise<void> {
    this.#faults.stop();
    await this.mcu.close();
  }
}
