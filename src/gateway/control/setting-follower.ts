/** Follows a setting that was made with `siot-mcu set`, and reports each change of its state. */
import type { Clock, Timer } from '../../point/clock.js';
import { plainValue } from '../../point/point.js';
import type { Setting } from '../../session/settings/setting.js';
import { isFinalSetReply, type SetReply, type SettingReport } from './control.js';
import type { ControlledLink, ControlledLinks } from './controlled.js';

/** How long one that is still waiting is followed: its asker has long gone by then. */
const FOLLOW_MS = 600_000;
/** How often the reason is looked at when nothing else happens. */
const REASON_EVERY_MS = 1_000;
/**
 * How long the report of a point is waited for after its acknowledgement: a
 * device that reports once a second does so within it, with a retransmission.
 */
const REPORT_WITHIN_MS = 2_000;

/** The last answer where the link of the setting does not exist any more. */
export const LINK_GONE: SetReply = {
  state: 'unconfirmed',
  reason: 'the link was changed or removed meanwhile: see siot-mcu watch',
};

/** Follows one setting on its way to the device. */
export class SettingFollower {
  /** The last answer, as JSON: the same is not told again. */
  #said = '';
  #timer: Timer | undefined;
  #untilMs = 0;
  #unwatch: (() => void) | undefined;
  /** Monotonic ms until which its report is waited for, once it was acknowledged. */
  #reportUntilMs: number | undefined;
  #ended = false;
  readonly #end = (): void => this.#stop();

  constructor(
    private readonly links: ControlledLinks,
    private readonly link: ControlledLink,
    private readonly setting: Setting,
    private readonly clock: Clock,
    private readonly answered: (reply: SetReply) => void,
    private readonly until: AbortSignal,
  ) {}

  /** Answers now and with each change, until an answer is final or `until` is aborted. */
  follow(): void {
    this.#untilMs = this.clock.monotonicMs() + FOLLOW_MS;
    this.#unwatch = this.link.watchSettings((changed) => {
      if (changed === this.setting) this.#look();
    });
    this.until.addEventListener('abort', this.#end);
    this.#timer = this.clock.setTimer(REASON_EVERY_MS, () => this.#tick());
    this.#look();
  }

  #look(): void {
    if (this.#ended) return;
    const isThere = this.links.all().includes(this.link);
    const answer = isThere ? this.#answer() : LINK_GONE;
    const text = JSON.stringify(answer);
    if (text !== this.#said) this.answered(answer);
    this.#said = text;
    if (isFinalSetReply(answer)) this.#stop();
  }

  #stop(): void {
    this.#ended = true;
    this.#unwatch?.();
    this.#timer?.cancel();
    this.until.removeEventListener('abort', this.#end);
  }

  #tick(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs > this.#untilMs) {
      this.#look();
      this.#stop();
      return;
    }
    const dueMs = this.#reportUntilMs ?? Number.POSITIVE_INFINITY;
    const waitMs = Math.min(REASON_EVERY_MS, Math.max(0, dueMs - nowMs));
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(waitMs, () => this.#tick());
    this.#look();
  }

  #answer(): SetReply {
    const { link, setting } = this;
    const { state } = setting;
    if (setting.confirmedBy === 'ack') return this.#acknowledged();
    // It may have been an echo of ours.
    this.#reportUntilMs = undefined;
    if (state === 'superseded') {
      return { state: 'replaced', reason: 'a newer setting has taken its place' };
    }
    if (setting.confirmedBy === 'bus') return { state: 'acknowledged', by: 'bus' };
    if (setting.confirmedBy === 'report') {
      if (link.awaitsAck(setting)) {
        return {
          state: 'waiting',
          reason: 'the device reports it; its acknowledgement is waited for',
        };
      }
      return this.#unconfirmed('it was sent; the device has not acknowledged it');
    }
    switch (state) {
      case 'pending':
        return { state: 'waiting', reason: link.reason(setting) };
      case 'ended':
        return this.#unconfirmed('the command was sent; the device did not confirm it');
      case 'inForce':
      case 'unconfirmed':
        return this.#unconfirmed('it was sent; the device does not acknowledge points');
      case 'refused':
        return {
          state: 'refused',
          reason:
            'there was no room for a newer setting of this point, and this one is not sent any more',
        };
      case 'replaced':
        return { state: 'replaced', reason: 'the device has changed the point itself' };
    }
  }

  /** A report that differs may have been under way: one that is equal ends the waiting, or its end does. */
  #acknowledged(): SetReply {
    const { setting } = this;
    const report = reportOf(setting);
    const done = { state: 'acknowledged', by: 'device' } as const;
    if (report?.equal === true) return { ...done, report };
    // A command acts: it has no value that a device would report.
    if (setting.command) return report === undefined ? done : { ...done, report };
    const nowMs = this.clock.monotonicMs();
    if (this.#reportUntilMs === undefined) {
      this.#reportUntilMs = nowMs + REPORT_WITHIN_MS;
      this.#timer?.cancel();
      this.#timer = this.clock.setTimer(REASON_EVERY_MS, () => this.#tick());
    }
    const awaited = nowMs < this.#reportUntilMs && this.setting.state !== 'superseded';
    return { ...done, report: awaited ? 'awaited' : (report ?? 'none') };
  }

  #unconfirmed(reason: string): SetReply {
    const report = reportOf(this.setting);
    return { state: 'unconfirmed', reason, ...(report === undefined ? {} : { report }) };
  }
}

function reportOf({ report, reportEquals }: Setting): SettingReport | undefined {
  return report === undefined
    ? undefined
    : { value: plainValue(report.value), equal: reportEquals };
}
