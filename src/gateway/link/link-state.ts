/** A link's state in a word, and why it is not another: for people at a bench, who ask why it does not talk. */
import type { LinkState } from './status.js';

/** What decides the state of a link. */
export interface LinkFacts {
  readonly isDisabled: boolean;
  readonly isOpen: boolean;
  /** Why the port is not open, for people; `undefined`: it is being opened. */
  readonly portProblem: string | undefined;
  readonly isDeleted: boolean;
  /** Why settings are held back, for people; `undefined`: they are not. */
  readonly held: string | undefined;
  readonly isConnected: boolean;
  /** Something was heard since the gateway was started. */
  readonly wasHeard: boolean;
  /** What a device sends that counts as heard, for people. */
  readonly unit: string;
  /** What was heard instead, or is wrong though it talks, for people; `undefined`: nothing is known. */
  readonly heard: string | undefined;
}

/** `reason`: for people; absent where nothing is wrong. */
interface StateWithReason {
  readonly state: LinkState;
  readonly reason?: string;
}

/** The first that applies: what is behind it cannot be told, or matters less. */
export function stateOf(facts: LinkFacts): StateWithReason {
  const { isDisabled, isOpen, portProblem, isDeleted, held, isConnected, wasHeard, unit } = facts;
  const { heard } = facts;
  if (isDisabled) return { state: 'disabled', reason: 'it is disabled in SIOT' };
  if (!isOpen) return { state: 'closed', reason: portProblem ?? 'its port is being opened' };
  if (isDeleted) {
    return { state: 'deleted', reason: 'its node is deleted in SIOT' };
  }
  if (held !== undefined) return { state: 'held', reason: `settings are held back: ${held}` };
  if (isConnected) return { state: 'talks', ...(heard === undefined ? {} : { reason: heard }) };
  return {
    state: 'silent',
    reason:
      heard ??
      (wasHeard
        ? `no ${unit} is heard any more`
        : `no ${unit} was heard since the gateway was started`),
  };
}
