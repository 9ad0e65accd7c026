/** The state of a setting as it is kept over restarts of the gateway. */
import {
  confirmationOf,
  isDoubted,
  isWaiting,
  restoredBy,
  wasSent,
  type InForce,
  type SettingLife,
} from './states.js';

/** The state of a setting in few words; the name of each is in the files of earlier versions. */
export type KeptState = 'pending' | 'inForce' | 'unconfirmed' | 'ended' | 'replaced' | 'refused';

/** What is kept of a setting's state. */
export interface KeptLife {
  /** One that is sent again after a restart of the device is what it was. */
  readonly state: KeptState;
  readonly restoring?: boolean;
  readonly doubted?: boolean;
  /** More than 0: it may have been sent; of a command that is enough to never send it again. */
  readonly transmissions: number;
  /** Wall time of the last confirmation, ns as decimal text. */
  readonly confirmed?: string;
}

/** What is kept of a state. A superseded setting is not kept at all, but has a form here for completeness: `refused`. */
export function keptOf(life: SettingLife): KeptLife {
  const confirmedNs = confirmationOf(life)?.ns;
  return {
    state: stateOf(life),
    transmissions: isMaybeSent(life) ? 1 : 0,
    ...(restoredBy(life) === undefined ? {} : { restoring: true }),
    ...(isDoubted(life) ? { doubted: true } : {}),
    ...(confirmedNs === undefined ? {} : { confirmed: confirmedNs.toString() }),
  };
}

function stateOf(life: SettingLife): KeptState {
  const name = isWaiting(life) ? (restoredBy(life)?.name ?? 'pending') : life.name;
  return name === 'superseded' ? 'refused' : name;
}

function isMaybeSent(life: SettingLife): boolean {
  const isNoted = life.name === 'noting' || life.name === 'noted';
  return isNoted || restoredBy(life) !== undefined || wasSent(life);
}

/** Whether {@link keptOf} makes the same of both, so that nothing is to be saved. Called for each change of a state. */
export function isKeptTheSame(one: SettingLife, other: SettingLife): boolean {
  return (
    stateOf(one) === stateOf(other) &&
    isMaybeSent(one) === isMaybeSent(other) &&
    (restoredBy(one) === undefined) === (restoredBy(other) === undefined) &&
    isDoubted(one) === isDoubted(other) &&
    confirmationOf(one)?.ns === confirmationOf(other)?.ns
  );
}

/** The state that was kept. A command is never sent again, whatever was kept. */
export function lifeOf(kept: KeptLife, command: boolean): SettingLife {
  const { state, restoring = false, doubted = false, transmissions } = kept;
  const confirmed =
    kept.confirmed === undefined ? undefined : { ns: BigInt(kept.confirmed), by: undefined };
  switch (state) {
    case 'pending':
      return transmissions > 0 ? { name: 'sent', reported: false } : { name: 'pending' };
    case 'inForce':
    case 'unconfirmed': {
      const inForce: InForce = { name: state, confirmed, reported: false, doubted };
      if (!restoring || command) return inForce;
      return { name: 'pending', restores: { ...inForce, doubted: false } };
    }
    case 'ended':
    case 'replaced':
    case 'refused':
      return { name: state, confirmed };
  }
}
