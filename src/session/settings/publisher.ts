/**
 * SIOT is to show what is in force (docs/contract.md, "On every opening"): a setting
 * that something newer there has overtaken is published once more, in the device's name.
 */
import type { Clock } from '../../point/clock.js';
import { isDeleted, type Point, type PointValue } from '../../point/point.js';
import type { Replica } from '../node/replica.js';
import type { Setting } from './setting.js';
import { confirmationOf, type Confirmation } from './states.js';

/** What the publisher needs of the session. */
export interface SettingPublisherHost {
  /** What a setting says, in the form in which the device reports the point. */
  inDeviceForm(setting: Setting): PointValue;
  /** Publishes in the device's name, now. False: no room for it in the outbox. */
  publish(type: string, key: string, value: PointValue, tombstone: number): boolean;
}

const AGAIN_MS = 1_000;

/** Publishes settings of one device once more. */
export class SettingPublisher {
  constructor(
    private readonly host: SettingPublisherHost,
    private readonly replica: Replica,
    private readonly clock: Clock,
  ) {}

  /** SIOT is to show it, where it does not. */
  show(setting: Setting): void {
    const { point, time } = setting;
    const newest = this.#newest(setting) ?? setting.shown;
    // Reports with later times have overtaken it, or SIOT has kept another one of the same time, or lost it.
    const isOvertaken = newest !== undefined && newest.time > time.stated;
    if (!isOvertaken && !time.tied && !setting.lacked) return;
    const value =
      isDeleted(point) && newest !== undefined ? newest.value : this.host.inDeviceForm(setting);
    if (time.tied)
      this.replica.givenBefore([{ ...point, time: time.shownNs(this.clock.wallNs()) }]);
    if (this.host.publish(point.type, point.key, value, point.tombstone)) {
      setting.lacked = false;
      if (isOvertaken) this.#remember(setting, newest);
      return;
    }
    this.clock.setTimer(AGAIN_MS, () => {
      if (setting.isNewest) this.show(setting);
    });
  }

  /** It may be in force: SIOT is to show it, where it has no other one that it was set to later. */
  showUnconfirmed(setting: Setting): void {
    if (setting.time.tied || setting.lacked) this.show(setting);
  }

  /**
   * This confirmation was none: SIOT is to show again what it did before {@link show},
   * unless it shows something newer, or showed the setting for an earlier confirmation.
   */
  showBefore(setting: Setting, taken: Confirmation): void {
    const { overtook, point } = setting;
    if (overtook?.confirmation !== taken) return;
    setting.overtook = undefined;
    if (this.#newest(setting) !== overtook.newest) return;
    const { value, tombstone } = overtook.before;
    this.host.publish(point.type, point.key, value, tombstone);
  }

  /** The setting has been published. If SIOT showed it already, what that overtook is kept. */
  #remember(setting: Setting, before: Point): void {
    const { overtook } = setting;
    const newest = this.#newest(setting);
    setting.overtook =
      overtook !== undefined && before === overtook.newest
        ? { ...overtook, newest }
        : { before, confirmation: confirmationOf(setting.life), newest };
  }

  #newest({ point }: Setting): Point | undefined {
    return this.replica.find(point.type, point.key)?.newest;
  }
}
