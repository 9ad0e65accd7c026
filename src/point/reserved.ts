/**
 * Its *time* is the device's clock from now on (docs/siot.md, 2.8): the
 * gateway's alone to send. One that comes from a line is an echo, however late
 * (docs/contract.md, "Own echo").
 */
export const TIME_SYNC_TYPE = 'timeSync';

/**
 * Points of a link's node that the gateway or its administrator owns. A device
 * cannot set them, and they are never sent down (docs/contract.md, "Whose points";
 * their meaning: docs/siot.md, 5.1).
 */
const RESERVED: ReadonlySet<string> = new Set([
  'port',
  'baud',
  'protocol',
  'timeout',
  'logConsole',
  'maxMessageLength',
  'hrDest',
  'syncParent',
  'disabled',
  'debug',
  'download',
  'progress',
  'connected',
  'pending',
  'rx',
  'tx',
  'hrRx',
  'rate',
  'rateHR',
  'errorCount',
  'errorCountHR',
  'rxReset',
  'txReset',
  'hrRxReset',
  'errorCountReset',
  'errorCountResetHR',
  TIME_SYNC_TYPE,
]);

/** What a node is called: a device reports it, and people change it in SIOT. */
export const DESCRIPTION_TYPE = 'description';

/** Prefix of all point types that this gateway adds to SIOT's own. */
export const GATEWAY_PREFIX = 'gateway';

/** True for points that a device may not report and never gets. */
export function isReservedType(type: string): boolean {
  return RESERVED.has(type) || type.startsWith(GATEWAY_PREFIX);
}

/** The administrator's to write in SIOT and the device's to report, but never sent down. */
export function isNeverSentDown(type: string): boolean {
  return type === DESCRIPTION_TYPE || isReservedType(type);
}
