import type { Clock } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { SystemRoot } from '../transport/serial/ports.js';
import type { GatewayConfig } from './config/config.js';

/** What the gateway is given by the program around it. */
export interface GatewayParts {
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly log: Log;
  /** Of this program. */
  readonly version: string;
  /** Of this machine. */
  readonly hostName: string;
  /** Where USB devices are looked for; tests give a machine of their own. */
  readonly usbRoot?: SystemRoot;
}

/**
 * The gateway's description: as configured, otherwise the name of the host. That of a
 * machine which nobody has named is of no help in telling gateways apart.
 */
export function gatewayDescription(
  { gateway }: Pick<GatewayConfig, 'gateway'>,
  { hostName }: Pick<GatewayParts, 'hostName'>,
): string {
  if (gateway.description !== undefined) return gateway.description;
  return /^(localhost(\..*)?|\(none\))?$/.test(hostName) ? 'MCU gateway' : hostName;
}
