/**
 * Settings whose device has reported another value, without proof that the device has
 * changed it itself: it is the first report of the point in a round, and has no time of
 * its own (report-round.ts). The setting stays in force while this is in doubt.
 *
 * The gateway sends the time once more, so that the device reports all points again. The
 * doubt ends
 * - with another differing report of the point, or one that is dated after the
 *   acknowledgement: the device has changed it, the setting is replaced;
 * - with a report of the setting's own value, or an acknowledgement: it is in force;
 * - when neither has come for a whole round: then the device reports only what changes,
 *   and its report counts.
 *
 * So a change that the device makes once is known after {@link ROUND_MS} at the
 * latest, whatever firmware it has. A doubt is kept over restarts of the gateway and
 * openings, since firmware that reports only changes would never report it again. The
 * round begins anew at the next opening, when the device gets the time.
 */
import type { Clock, Timer } from '../../point/clock.js';
import { ROUND_MS } from '../receiving/report-round.js';
import type { Setting } from './setting.js';
import { isDoubted } from './states.js';

/** What is done about settings in doubt. */
export interface DoubtedSettingsHost {
  /** The device is to report all its points once more. */
  askAll(): void;
  /** Nothing has contradicted the report for a whole round. */
  uncontradicted(setting: Setting): void;
}

/** The settings of one device that are in doubt. */
export class DoubtedSettings {
  /** Until when each is in doubt, monotonic ms; in the order in which they end. */
  readonly #untilMs = new Map<Setting, number>();
  #timer: Timer | undefined;

  constructor(
    private readonly host: DoubtedSettingsHost,
    private readonly clock: Clock,
  ) {}

  begin(setting: Setting): void {
    this.#untilMs.set(setting, this.clock.monotonicMs() + ROUND_MS);
    // The round that was already asked for answers for this setting, too.
    if (this.#timer === undefined) this.#ask();
  }

  /** Whatever it was, it is known now. */
  end(setting: Setting): void {
    this.#untilMs.delete(setting);
  }

  /** The device gets the time, and some of these are in doubt. */
  opened(settings: Iterable<Setting>): void {
    this.closed();
    const untilMs = this.clock.monotonicMs() + ROUND_MS;
    for (const setting of settings) {
      if (isDoubted(setting.life)) this.#untilMs.set(setting, untilMs);
    }
    if (this.#untilMs.size > 0) this.#wait();
  }

  /** No device can say anything now. */
  closed(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#untilMs.clear();
  }

  #ask(): void {
    this.#wait();
    this.host.askAll();
  }

  #wait(): void {
    this.#timer = this.clock.setTimer(ROUND_MS, () => {
      this.#timer = undefined;
      const now = this.clock.monotonicMs();
      for (const [setting, untilMs] of this.#untilMs) {
        if (untilMs > now) break;
        this.#untilMs.delete(setting);
        // A newer one may have taken its place.
        if (isDoubted(setting.life)) this.host.uncontradicted(setting);
      }
      if (this.#untilMs.size > 0) this.#ask();
    });
  }
}
