/** What cannot happen to a setting, and does. */
import { expect, it } from 'vitest';
import { floatValue, makePoint } from '../../../src/point/point.js';
import { logImpossible, throwImpossible } from '../../../src/session/settings/impossible.js';
import type { Setting } from '../../../src/session/settings/setting.js';
import { Settings } from '../../../src/session/settings/settings.js';
import { recordingLog, type Said } from '../../support/recording-log.js';

const POINT = makePoint({ type: 'limit', value: floatValue(1), time: 1n });

/** An ack of what was never sent. */
const acknowledged = (setting: Setting) => setting.on({ type: 'acknowledged', ns: 5n });

it('an impossible event throws where that is wished', () => {
  const { setting } = new Settings(new Set(), 10, undefined, throwImpossible).take(POINT);
  expect(() => acknowledged(setting)).toThrow('a setting that is pending cannot be acknowledged');
  expect(setting.life).toEqual({ name: 'pending' });
});

it('an impossible event is logged in the field, each once, and changes nothing', () => {
  const said: Said[] = [];
  const settings = new Settings(new Set(), 10, undefined, logImpossible(recordingLog(said)));
  const { setting } = settings.take(POINT);
  settings.takeChanged();
  for (let i = 0; i < 3; i += 1) expect(acknowledged(setting)).toEqual([]);
  expect(setting.life).toEqual({ name: 'pending' });
  expect(settings.takeChanged()).toEqual([]);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatchObject({ level: 'error', fields: { type: 'limit', key: '' } });
  setting.on({ type: 'sentOnce' });
  setting.on({ type: 'sentOnce' });
  expect(said.map(({ message }) => /^[^:]*/.exec(message)?.[0])).toEqual([
    'a setting that is pending cannot be acknowledged',
    'a setting that is unconfirmed cannot be sentOnce',
  ]);
});
