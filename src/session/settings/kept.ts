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
  const restored = restoredBy(life);
  const name = isWaiting(life) ? (restored?.name ?? 'pending') : life.name;
  const state = name === 'superseded' ? 'refused' : name;
  const confirmedNs = confirmationOf(life)?.ns;
  const isNoted = life.name === 'noting' || life.name === 'noted';
  return {
    state,
    transmissions: isNoted || restored !== undefined || wasSent(life) ? 1 : 0,
    ...(restored === undefined ? {} : { restoring: true }),
    ...(isDoubted(life) ? { doubted: true } : {}),
    ...(confirmedNs === undefined ? {} : { confirmed: confirmedNs.toString() }),
  };
}

/** Whether both states are kept alike, so that nothing is to be saved. */
export function isKeptTheSame(one: SettingLife, other: SettingLife): boolean {
  const [a, b] = [keptOf(one), keptOf(other)];
  return (
    a.state === b.state &&
    a.transmissions === b.transmissions &&
    a.restoring === b.restoring &&
    a.doubted === b.doubted &&
    a.confirmed === b.confirmed
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
