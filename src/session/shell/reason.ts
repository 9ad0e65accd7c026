/** Why a setting is still on its way to a console, for people. */
import { NOTING, NOT_NOTED } from '../settings/command-journal.js';
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
export function whyUnreported({ life, command }: Setting, facts: ReasonFacts): string {
  const { isOpen, isHeard, isInFlight, cut } = facts;
  if (life.name === 'unsendable') return life.why;
  if (life.name === 'noting') return NOTING;
  if (life.name === 'unnoted') return NOT_NOTED;
  if (!isOpen) return 'the port is not open';
  if (!isHeard) {
    return command
      ? 'the device is silent: a command waits until it is heard'
      : 'the device is silent: tried every 30 s, and when it is heard';
  }
  if (life.name === 'setAside') {
    const why = cut === undefined ? '' : ` (${cut})`;
    return `not reported though the device was heard: sent again after a pause${why}`;
  }
  return isInFlight ? 'sent, waiting for the device to report it' : 'waiting for its turn';
}
