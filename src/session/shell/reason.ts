/** Why a setting is still on its way to a console, for people. */
import { ITS_TURN, silentReason, whyNotYet } from '../settings/reason.js';
import type { Setting } from '../settings/setting.js';

/** What decides the reason, besides the state of the setting. */
interface ReasonFacts {
  readonly isOpen: boolean;
  /** The device talks. */
  readonly isHeard: boolean;
  /** It was sent, and its report is waited for. */
  readonly isInFlight: boolean;
  /** What of it small firmware cuts off, for people. */
  readonly cut: string | undefined;
}

/** The first that applies. It has no times and counts that move. */
export function whyUnreported(setting: Setting, facts: ReasonFacts): string {
  const { isOpen, isHeard, isInFlight, cut } = facts;
  const notYet = whyNotYet(setting, isOpen);
  if (notYet !== undefined) return notYet;
  if (!isHeard) return silentReason(setting);
  if (setting.life.name === 'setAside') {
    const why = cut === undefined ? '' : ` (${cut})`;
    return `not reported though the device was heard: sent again after a pause${why}`;
  }
  return isInFlight ? 'sent, waiting for the device to report it' : ITS_TURN;
}
