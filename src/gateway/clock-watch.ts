import { CLOCK_STEP_NS, wallMinusMonotonic, type Clock, type Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { Service } from './services.js';

const LOOK_EVERY_MS = 2_000;

/** Devices have the time from the gateway. */
export interface ClockUsers {
  /** The clock of this machine was set: what devices were told is wrong. */
  clockStepped(): void;
}

/** Notices when somebody sets the clock of this machine. */
export class ClockWatch implements Service {
  readonly name = 'clock watch';
  readonly stopByMs = 500;
  /** Wall clock minus monotonic clock at the last look, ns. */
  #offsetNs = 0n;
  #timer: Timer | undefined;

  constructor(
    private readonly users: ClockUsers,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#offsetNs = wallMinusMonotonic(this.clock);
    this.#lookLater();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.clock.setTimer(LOOK_EVERY_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const offsetNs = wallMinusMonotonic(this.clock);
    const stepNs = offsetNs - this.#offsetNs;
    this.#offsetNs = offsetNs;
    if (stepNs <= CLOCK_STEP_NS && stepNs >= -CLOCK_STEP_NS) return;
    this.log.warn(
      { seconds: Number(stepNs) / 1e9 },
      'the clock of this machine was stepped: devices get the time again',
    );
    this.users.clockStepped();
  }
}
