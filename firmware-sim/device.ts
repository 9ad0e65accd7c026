import type { SimClock } from './clock.js';
import type { Protocol } from './codec.js';
import { DeviceFaults, type FaultNotice } from './device-faults.js';
import { NO_FAULTS, type FaultPlan } from './faults.js';
import { FaultyPipe } from './faulty-pipe.js';
import { FileReceiver, type ReceivedFile } from './file-receiver.js';
import { Firmware, type FirmwareEvents } from './firmware.js';
import { runHighRate } from './high-rate.js';
import { SimulatedMcu, type McuOptions } from './mcu.js';
import type { BytePipe } from './pipe.js';
import { parseProfile, type Profile } from './profile.js';
import { PUMP_CONTROLLER_YAML } from './pump-controller.js';
import { SeededRandom } from './random.js';

/** Options of a whole device; the others are those of {@link McuOptions}. */
export interface DeviceOptions extends Partial<Omit<McuOptions, 'clock' | 'protocol'>> {
  readonly clock: SimClock;
  readonly protocol: Protocol;
  /** Default: the pump controller. */
  readonly profile?: Profile;
  /** Default: {@link NO_FAULTS}. */
  readonly faults?: FaultPlan;
  /** Seed of all random numbers, 0 … 2³² − 1; default: 1. */
  readonly seed?: number;
  /** Told what the firmware does. */
  readonly events?: FirmwareEvents;
  /** Told of each file that has come to its end. */
  readonly fileEnded?: (file: ReceivedFile) => void;
  /** Told when a fault begins. */
  readonly notice?: FaultNotice;
}

/**
 * A device with the firmware of a profile and with faults, on a line:
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
  /** Files that it has got. */
  readonly files: FileReceiver;
  readonly #faults: DeviceFaults;

  constructor(pipe: BytePipe, options: DeviceOptions) {
    const plan = options.faults ?? NO_FAULTS;
    const random = new SeededRandom(options.seed ?? 1);
    const { clock } = options;
    this.line = new FaultyPipe(pipe, plan, random.fork('line'), clock);
    this.mcu = new SimulatedMcu(this.line, { mistake: plan.mistake, ...options });
    this.files = new FileReceiver({
      refuse: plan.refuseFiles,
      ...(options.fileEnded === undefined ? {} : { ended: options.fileEnded }),
    });
    this.mcu.push(this.files);
    this.mcu.observe({ stopping: () => this.files.forget() });
    const profile = options.profile ?? parseProfile(PUMP_CONTROLLER_YAML);
    this.firmware = new Firmware(this.mcu, profile, random.fork('firmware'), options.events);
    runHighRate(this.mcu, profile, random.fork('highRate'));
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

  /** Ends all faults of the line and of the device, but not an echo. */
  mend(): void {
    this.#faults.stop();
  }

  /** Power off; closes the line. Idempotent. */
  async close(): Promise<void> {
    this.#faults.stop();
    await this.mcu.close();
  }
}
