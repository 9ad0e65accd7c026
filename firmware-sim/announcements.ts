/** What the device of a profile announces of its points (docs/wire.md, "What your points are"). */
import type { PointLike } from './points.js';
import type { Profile, SensorProfile, SettingProfile } from './profile.js';

/** One point of type `pointInfo`. */
export interface Announcement {
  readonly announces: string;
  readonly json: string;
}

/** All announcements of a profile, or none. */
export function announcementsOf({ announce, sensors, settings }: Profile): Announcement[] {
  const points = [...sensors, ...settings];
  if (!(announce ?? points.some(isTold))) return [];
  return points.map((point) => ({
    announces: point.key === '' ? point.type : `${point.type}/${point.key}`,
    json: JSON.stringify(infoOf(point)),
  }));
}

export const announcementPoint = ({ announces, json }: Announcement): PointLike => ({
  type: 'pointInfo',
  key: announces,
  value: { json },
});

/** What a gateway knows only from an announcement; limits are there for the device itself. */
const ONLY_ANNOUNCED: ReadonlySet<string> = new Set(['name', 'unit', 'step', 'scale', 'maxAge']);

const isTold = (point: SensorProfile | SettingProfile): boolean =>
  Object.entries(point).some(([key, value]) => value !== undefined && ONLY_ANNOUNCED.has(key));

/** Members that are `undefined` are not in the JSON. */
function infoOf(point: SensorProfile | SettingProfile): object {
  const { name, unit, maxAge } = point;
  if (!('kind' in point)) {
    return { kind: 'number', name, unit, scale: point.scale, writable: false, maxAge };
  }
  switch (point.kind) {
    case 'number': {
      const { min, max, step, scale } = point;
      return { kind: 'number', name, unit, min, max, step, scale, maxAge };
    }
    case 'boolean':
      return { kind: 'switch', name, unit, maxAge };
    case 'text':
      return { kind: 'text', name, unit, values: point.oneOf, maxAge };
  }
}
