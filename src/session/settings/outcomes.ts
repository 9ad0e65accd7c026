/** What becomes of a setting when it is sent, and by what the sender hears of its packet (docs/contract.md, "On every opening", "Sending"). */
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Counters } from '../node/counters.js';
import type { Unanswered } from '../sending/client.js';
import type { SettingQueue } from './queue.js';
import type { Setting, Standing } from './setting.js';
import type { Settings } from './settings.js';

export interface SettingOutcomesHost {
  /** The device has confirmed a setting by acknowledging it. */
  acknowledged(setting: Setting): void;
  /** It had not: that was an echo of what the gateway sent. */
  notAcknowledged(setting: Setting): void;
  /** It was sent, and nobody will ever know whether the device has it. */
  unconfirmed(setting: Setting): void;
  /** A setting's state or reason has changed. */
  changed(setting: Setting): void;
}

/** A setting that an ack has confirmed. */
export interface Confirmation {
  readonly setting: Setting;
  readonly before: Standing;
  /** Wall time, ns. */
  readonly atNs: bigint;
}

export class SettingOutcomes {
  constructor(
    private readonly host: SettingOutcomesHost,
    private readonly book: Settings,
    private readonly queue: SettingQueue,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly log: Log,
  ) {}

  /** It was sent, for the first time or again, and its ack is waited for. */
  transmitted(setting: Setting): void {
    this.#sent(setting);
    this.host.changed(setting);
  }

  /** It was sent to a device that never acknowledges. */
  sentOnce(setting: Setting): void {
    this.#sent(setting);
    this.#unconfirmed(setting);
  }

  /** The last transmission of its packet found no answer. */
  unanswered(setting: Setting, why: Unanswered): void {
    if (setting.command) {
      this.endCommand(setting, 'it was not acknowledged');
      return;
    }
    switch (why) {
      case 'neverAcknowledges':
        this.#unconfirmed(setting);
        return;
      case 'ignored':
        this.#setAside(setting);
        return;
      case 'silence':
        // Others are sent first when the device is heard again.
        if (this.queue.has(setting)) this.queue.addLast(setting);
        return;
      case 'again':
      // It is first in the queue still.
    }
  }

  /** By an ack. `undefined`: it changes nothing. */
  confirmed(setting: Setting): Confirmation | undefined {
    if (this.book.isCurrent(setting) && setting.confirmedBy === 'report') {
      // Its report was sooner.
      const before = setting.standing;
      setting.confirmedBy = 'ack';
      this.host.changed(setting);
      return { setting, before, atNs: setting.confirmedNs ?? 0n };
    }
    // Its place may have been taken meanwhile: then this ack does not count for the newer.
    const late = setting.state === 'unconfirmed';
    if (!this.book.isCurrent(setting) || !(setting.waiting || late)) return undefined;
    const before = setting.standing;
    const nowNs = this.clock.wallNs();
    this.queue.delete(setting);
    setting.confirm(nowNs, 'ack');
    this.host.acknowledged(setting);
    this.host.changed(setting);
    return { setting, before, atNs: nowNs };
  }

  /** The device had not acknowledged it: that was an echo of what the gateway sent. */
  takenBack({ setting, before, atNs }: Confirmation): void {
    // Something else may have become of it since.
    if (!this.book.isCurrent(setting) || setting.confirmedNs !== atNs) return;
    if (setting.command) {
      // Its retries would be another packet now, on which the device might act once more.
      setting.confirmedNs = undefined;
      setting.confirmedBy = before.confirmedBy;
      this.#commandUnconfirmed(setting, 'its acknowledgement was an echo of ours');
      return;
    }
    setting.takeBack(before);
    if (setting.waiting) this.queue.add(setting);
    this.host.notAcknowledged(setting);
    this.host.changed(setting);
  }

  #sent(setting: Setting): void {
    // Of a command the first transmission was noted before it.
    if (!setting.noted || setting.sent) setting.transmissions += 1;
    setting.sent = true;
    setting.reportedSinceSent = false;
  }

  /** The device does not acknowledge anything. */
  #unconfirmed(setting: Setting): void {
    this.queue.delete(setting);
    setting.restoring = false;
    setting.state = setting.command ? 'ended' : 'unconfirmed';
    this.counters.notice('unconfirmed');
    this.host.unconfirmed(setting);
    this.host.changed(setting);
  }

  /** It is never sent again; nothing happens if it does not wait. */
  endCommand(setting: Setting, why: string): void {
    if (!this.queue.delete(setting)) return;
    setting.state = 'ended';
    setting.confirmedNs = undefined;
    this.#commandUnconfirmed(setting, why);
  }

  #commandUnconfirmed(command: Setting, why: string): void {
    this.counters.notice('unconfirmed');
    this.log.warn(
      { type: command.point.type, key: command.point.key },
      `command is unconfirmed: ${why}; it is not sent again`,
    );
    this.host.unconfirmed(command);
    this.host.changed(command);
  }

  /** Not acknowledged though others are: those are sent first. */
  #setAside(setting: Setting): void {
    if (!this.queue.has(setting)) return;
    this.queue.setAside(setting, this.clock.monotonicMs());
    this.log.warn(
      { type: setting.point.type, key: setting.point.key, pauseMs: setting.asidePauseMs },
      'setting is not acknowledged though the device is heard; set aside',
    );
    this.host.changed(setting);
  }
}
