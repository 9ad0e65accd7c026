/** What a device protocol needs to make a link's session. */
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type {
  DeviceSession,
  DeviceSessionHost,
  SessionInput,
} from '../../session/device-session.js';
import type { NodeState } from '../../session/node-state.js';
import type { PointBudget } from '../../session/node/point-quota.js';
import type { Tap } from '../../transport/tap.js';
import type { Transport } from '../../transport/transport.js';
import type { LinkConfig } from '../config/config.js';
import type { LinkRecord } from '../state/link-record.js';
import type { ChannelHandler, ChannelKeeper, LinkChannel } from './channel-keeper.js';
import type { InputLimitListener } from './input-load.js';
import type { Scheduler } from './scheduler.js';
import type { SchedulerSlot } from './scheduler-slot.js';

/** What a session is made of, besides the state of its node. */
export interface SessionParts {
  readonly config: LinkConfig;
  readonly transport: Transport;
  readonly budget: PointBudget;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** 0 … 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly record: LinkRecord;
  /** Of the link's channels. */
  readonly tap: Tap;
}

/** Where what a link has received waits, whatever its units are. */
export type LinkSlot = Pick<SchedulerSlot<never>, 'clear' | 'leave'>;

/** A session with its channel; see {@link linkSession}. */
export interface LinkSession {
  readonly session: DeviceSession;
  /** The channel that it reads and writes, to be started. */
  readonly channel: LinkChannel;
  /** Connects channel and session through the scheduler. To be called before the channel is started. */
  readonly connect: (handler: ChannelHandler, listener: InputLimitListener) => LinkSlot;
}

/** Makes the session of one protocol, over the state of the link's node. */
export type CreateSession = (
  parts: SessionParts,
  host: DeviceSessionHost,
  state: NodeState,
) => LinkSession;

/** Hides the unit (bytes, or a kind of frame) that session, channel and slot have in common. */
export const linkSession = <Unit>(
  session: DeviceSession & SessionInput<Unit>,
  channel: ChannelKeeper<Unit>,
  join: (session: SessionInput<Unit>, listener: InputLimitListener) => SchedulerSlot<Unit>,
): LinkSession => ({
  session,
  channel,
  connect: (handler, listener) => {
    const slot = join(session, listener);
    channel.attach(slot, handler);
    return slot;
  },
});
