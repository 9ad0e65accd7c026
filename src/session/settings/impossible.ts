/**
 * What cannot happen to a setting, and has (transitions.ts): an error in the gateway.
 * In the field it is logged and ignored, since one setting must not end the gateway.
 */
import type { Log } from '../../point/log.js';
import type { Setting } from './setting.js';
import type { SettingEvent } from './transitions.js';

export type OnImpossible = (setting: Setting, event: SettingEvent) => void;

const describe = ({ life, command }: Setting, { type }: SettingEvent): string =>
  `a ${command ? 'command' : 'setting'} that is ${life.name} cannot be ${type}`;

export const throwImpossible: OnImpossible = (setting, event) => {
  throw new Error(describe(setting, event));
};

/** Each pair of state and event once: they are some hundred at most. */
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
