/**
 * What cannot happen to a setting, and has (transitions.ts): an error in the gateway.
 * In the field it is logged and ignored, since one setting must not end the gateway.
 */
import type { Log } from '../../point/log.js';
import type { Setting } from './setting.js';
import type { SettingEvent } from './transitions.js';

/** Called for a setting and an event that its state excludes. */
export type OnImpossible = (setting: Setting, event: SettingEvent) => void;

const describe = ({ life, command }: Setting, { type }: SettingEvent): string =>
  `a ${command ? 'command' : 'setting'} that is ${life.name} cannot be ${type}`;

/** For tests. */
export const throwImpossible: OnImpossible = (setting, event) => {
  throw new Error(describe(setting, event));
};

/** For the field: logs each pair of state and event once. */
export function logImpossible(log: Log): OnImpossible {
  const told = new Set<string>();
  return (setting, event) => {
    const what = describe(setting, event);
    if (told.has(what)) return;
    told.add(what);
    const { type, key } = setting.point;
    log.error(
      { type, key },
      `${what}: this is ignored, and an error in the gateway; please report it`,
    );
  };
}
