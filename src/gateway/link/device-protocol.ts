/** What a device protocol needs to make a link's session. */
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { DeviceSession, DeviceSessionHost } from '../../session/device-session.js';
import type { NodeState } from '../../session/node-state.js';
import type { PointBudget } from '../../session/node/point-quota.js';
import type { Transport } from '../../transport/transport.js';
import type { LinkConfig } from '../config/config.js';
import type { LinkRecord } from '../state/link-record.js';

export interface SessionParts {
  readonly config: LinkConfig;
  readonly transport: Transport;
  readonly budget: PointBudget;
  readonly clock: Clock;
  /** 0 … 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly record: LinkRecord;
}

export interface LinkSession {
  readonly session: DeviceSession;
  /** The transport that it reads, to be opened. */
  readonly transport: Transport;
}

/** Makes the session of one protocol, over the state of the link's node. */
export type CreateSession = (
  parts: SessionParts,
  host: DeviceSessionHost,
  state: NodeState,
) => LinkSession;
