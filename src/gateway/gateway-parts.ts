import type { Clock } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { SystemRoot } from '../transport/serial/ports.js';

/** What the gateway is given by the program around it. */
export interface GatewayParts {
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly log: Log;
  /** Of this program. */
  readonly version: string;
  /** Where USB devices are looked for; tests give a machine of their own. */
  readonly usbRoot?: SystemRoot;
}
