/**
 * Points that are published again on a link's node: those that SIOT lacks, or the newest
 * of each point (docs/contract.md, "Generation and store").
 *
 * A point is known from the device's reports, or from a setting that the device has
 * acknowledged and not reported since: after a restart of the gateway only that. Of
 * a setting SIOT may have an older one: the gateway was killed before it could
 * publish it, or it was published while SIOT was away.
 */
import { PointMap } from '../../point/point-map.js';
import { isDeleted, sameValue, type Point } from '../../point/point.js';
import { DESCRIPTION_TYPE } from '../../point/reserved.js';
import type { DeviceSettings } from '../../session/device-session.js';
import { asOwner, type Replica } from '../../session/node/replica.js';
import type { Settings } from '../../session/settings/settings.js';
import type { Setting } from '../../session/settings/setting.js';

/** What is known of a node's points: the session of its link. */
interface KnownPoints {
  readonly state: { readonly replica: Replica; readonly settings: Settings };
  readonly settings: Pick<DeviceSettings, 'inDeviceForm'>;
}

/**
 * @param stored the node's points as the store has them
 * @param everything the newest of each point, not only what is lacking
 * @param now time for what gets a new one, ns
 */
export function pointsToResend(
  known: KnownPoints,
  stored: readonly Point[],
  everything: boolean,
  now: bigint,
): Generator<Point, undefined> {
  const has = new PointMap<Point>();
  for (const point of stored) has.set(point.type, point.key, point);
  const settings = [...known.state.settings.all()].filter((setting) => {
    const { point } = setting;
    const shown = has.get(point.type, point.key);
    setting.lacked = shown === undefined || isOlder(shown, setting, now);
    return setting.isNewest && setting.lacked;
  });
  return walk(known, settings, has, everything, now);
}

/** Of equal times a store may have kept the first (docs/contract.md, "Listening"). */
function isOlder(shown: Point, { time, point }: Setting, now: bigint): boolean {
  if (shown.time < time.shownNs(now)) return true;
  const isSame = sameValue(shown.value, point.value) && isDeleted(shown) === isDeleted(point);
  return time.tied && shown.time === time.stated && !isSame;
}

/** Each is read when it is sent: it may have changed meanwhile. */
function* walk(
  known: KnownPoints,
  settings: readonly Setting[],
  has: PointMap<Point>,
  everything: boolean,
  now: bigint,
): Generator<Point, undefined> {
  const { replica } = known.state;
  const given = new PointMap<true>();
  for (const setting of settings) {
    if (!setting.isNewest) continue;
    const { point } = setting;
    given.set(point.type, point.key, true);
    // What is not there need not be deleted.
    if (isDeleted(point) && has.get(point.type, point.key) === undefined) continue;
    const record = replica.own(point.type, point.key);
    // Its author's clock may be a little ahead.
    record.givenBefore(setting.time.shownNs(now));
    const value = known.settings.inDeviceForm(setting);
    const owned = asOwner({ ...point, value }, record.giveTime(now));
    record.merge(owned, false);
    yield owned;
  }
  for (const newest of replica.points()) {
    const { type, key } = newest;
    if (given.get(type, key) === true) continue;
    const shown = has.get(type, key);
    if (shown !== undefined && !everything) continue;
    yield isPlaceholder(shown, newest)
      ? asOwner(newest, replica.own(type, key).giveTime(now))
      : newest;
  }
  return undefined;
}

/** A node is made with a description, which the device's own replaces, whenever it came. */
const isPlaceholder = (shown: Point | undefined, newest: Point): boolean =>
  newest.type === DESCRIPTION_TYPE &&
  shown?.origin === '' &&
  shown.time >= newest.time &&
  !sameValue(shown.value, newest.value);
