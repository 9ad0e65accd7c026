/** The states of a setting, with the data of each. What follows from what: transitions.ts. */

/** By what a setting is known to have arrived: an acknowledgement, an equal report, or the bus that has taken its frame. */
export type ConfirmedBy = 'ack' | 'report' | 'bus';

/** When and by what a setting was last confirmed. */
export interface Confirmation {
  /** Wall time, ns. */
  readonly ns: bigint;
  /** An `ack` is not replaced by another. `undefined`: it was before the gateway started. */
  readonly by: ConfirmedBy | undefined;
}

/** It waits for its first transmission. */
export interface Pending {
  readonly name: 'pending';
  /** It is in force, and sent again because the device has restarted, or scales its point anew: what it was. */
  readonly restores?: InForce | undefined;
}

/** A command is noted on disk as sent before it is: that is under way, done, or has failed. */
export interface Noted {
  readonly name: 'noting' | 'noted' | 'unnoted';
}

/** It was transmitted, and its acknowledgement is waited for, or it is going to be transmitted again. */
export interface Sent {
  readonly name: 'sent';
  /** The device has reported the point since the last transmission. */
  readonly reported: boolean;
  readonly restores?: InForce | undefined;
}

/** Unanswered while something else was heard: it is tried again later. */
export interface SetAside extends Omit<Sent, 'name'> {
  readonly name: 'setAside';
  /** Between the last try and the next. */
  readonly pauseMs: number;
  /** Monotonic ms of the next try. */
  readonly untilMs: number;
}

/** No packet, or no frame of the bus, can hold it. */
export interface Unsendable {
  readonly name: 'unsendable';
  /** For people. */
  readonly why: string;
  readonly before: Pending | Sent;
}

/** The device has it; `unconfirmed`: it was sent as often as allowed, and is in force as far as anyone knows. */
export interface InForce {
  readonly name: 'inForce' | 'unconfirmed';
  readonly confirmed: Confirmation | undefined;
  /** The device has reported the point since the last transmission. */
  readonly reported: boolean;
  /** The device has reported another value, and it is not known yet whether it has changed the point itself (doubted.ts). */
  readonly doubted: boolean;
}

/**
 * - `replaced`: the device has changed the point itself since
 * - `ended`: a command that has acted, or of which nobody will know
 * - `refused`: it was pending when there was no room for a newer one of its point.
 *   Nobody wants it any more, so it is not sent. It is none of the others: the
 *   device has neither taken nor changed it, and no report may bring it back. Its
 *   time is kept, so that the newer one counts as soon as there is room.
 * - `superseded`: a newer setting of the point has taken its place
 */
interface Over {
  readonly name: 'replaced' | 'ended' | 'refused' | 'superseded';
  readonly confirmed?: Confirmation | undefined;
}

/** The states of a setting that is on its way to the device. */
export type Waiting = Pending | Noted | Sent | SetAside | Unsendable;

/** The state of a setting, with its data. `Setting.state` says the same in few words. */
export type SettingLife = Waiting | InForce | Over;

/** How a setting begins. */
export const PENDING: SettingLife = { name: 'pending' };

/** On its way to the device. */
export function isWaiting(life: SettingLife): life is Waiting {
  switch (life.name) {
    case 'pending':
    case 'noting':
    case 'noted':
    case 'unnoted':
    case 'sent':
    case 'setAside':
    case 'unsendable':
      return true;
    default:
      return false;
  }
}

/** It is in force, and sent again because the device has restarted, or scales its point anew: what it was. */
export function restoredBy(life: SettingLife): InForce | undefined {
  switch (life.name) {
    case 'pending':
    case 'sent':
    case 'setAside':
      return life.restores;
    case 'unsendable':
      return life.before.restores;
    default:
      return undefined;
  }
}

/** Its last confirmation, also while it is sent again. */
export function confirmationOf(life: SettingLife): Confirmation | undefined {
  return 'confirmed' in life ? life.confirmed : restoredBy(life)?.confirmed;
}

/** Whether a report may be due to it: it was transmitted, or has ended. */
export function wasSent(life: SettingLife): boolean {
  switch (life.name) {
    case 'pending':
    case 'noting':
    case 'noted':
    case 'unnoted':
      return false;
    case 'unsendable':
      return life.before.name === 'sent';
    default:
      return true;
  }
}

/** The device has reported the point since the last transmission. */
export function wasReported(life: SettingLife): boolean {
  if (life.name === 'unsendable') return wasReported(life.before);
  return 'reported' in life && life.reported;
}

/** See {@link InForce.doubted}. */
export const isDoubted = (life: SettingLife): boolean => 'doubted' in life && life.doubted;

/** In force, and not being sent again. */
export const isInForce = (life: SettingLife): life is InForce =>
  life.name === 'inForce' || life.name === 'unconfirmed';
