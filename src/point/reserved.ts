/**
 * Type of the point whose *time* sets the device's clock (docs/siot.md, 2.8).
 * Only the gateway sends it: one that comes from a line is an echo
 * (docs/contract.md, "Own echo").
 */
export const TIME_SYNC_TYPE = 'timeSync';

/**
 * Points of a link's node that belong to the gateway or its administrator. A device
 * cannot report them, and they are never sent to it (docs/contract.md, "Whose points";
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

/** Type of the point with a node's name: a device reports it, and people change it in SIOT. */
export const DESCRIPTION_TYPE = 'description';

/** Type of the points by which a device announces what its points are; the key names a type (point-info.ts). */
export const POINT_INFO_TYPE = 'pointInfo';

/** Prefix of the point types that this gateway adds to those of SIOT. */
export const GATEWAY_PREFIX = 'gateway';

/** 1 while a point, whose `TYPE` or `TYPE/KEY` is the key, is older than its `maxAge`. */
export const STALE_TYPE = `${GATEWAY_PREFIX}Stale`;

/** Why the device is thought to have restarted last, and the file with what was heard before. */
export const RESTART_TYPE = `${GATEWAY_PREFIX}Restart`;

/** Whether points of a type are neither taken from a device nor sent to it. */
export function isReservedType(type: string): boolean {
  return RESERVED.has(type) || type.startsWith(GATEWAY_PREFIX);
}

/** As {@link isReservedType}, and `description` and `pointInfo`, which a device may report. */
export function isNeverSentDown(type: string): boolean {
  return type === DESCRIPTION_TYPE || type === POINT_INFO_TYPE || isReservedType(type);
}
