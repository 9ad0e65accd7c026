/** Why a setting is still on its way, for people: what all protocols say alike. */
import type { Setting } from './setting.js';

const NOTING = 'it is being noted on disk as sent, which comes before it is';
const NOT_NOTED =
  'it cannot be noted on disk as sent, so that after a crash it might act twice: ' +
  'it waits until the state can be saved';

/** Nothing else applies. */
export const ITS_TURN = 'waiting for its turn';

/** What keeps a setting from being sent to any device; `undefined`: nothing of that. */
export function whyNotYet({ life }: Setting, isOpen: boolean): string | undefined {
  if (life.name === 'unsendable') return life.why;
  if (life.name === 'noting') return NOTING;
  if (life.name === 'unnoted') return NOT_NOTED;
  return isOpen ? undefined : 'the port is not open';
}

/** The device is silent. */
export const silentReason = ({ command }: Setting): string =>
  command
    ? 'the device is silent: a command waits until it is heard'
    : 'the device is silent: tried every 30 s, and when it is heard';

/** What moves on while the reason stays: which transmission it is, or the time to the next. */
export function progressOf(
  { life }: Setting,
  inFlight: { readonly attempt: number; readonly limit: number } | undefined,
  isSilent: boolean,
  nowMs: number,
): string | undefined {
  if (inFlight !== undefined) {
    return `transmission ${String(inFlight.attempt)} of ${String(inFlight.limit)}`;
  }
  if (life.name !== 'setAside' || isSilent) return undefined;
  const seconds = Math.max(0, life.untilMs - nowMs) / 1000;
  return `next try in ${seconds.toFixed(0)} s`;
}
