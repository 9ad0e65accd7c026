/**
 * Everything that happens to the settings of a device comes here, and what follows
 * from it is done here (transitions.ts).
 */
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Counters } from '../node/counters.js';
import { DoubtedSettings, type DoubtedSettingsHost } from './doubted.js';
import type { SettingPublisher } from './publisher.js';
import type { Setting } from './setting.js';
import type { SettingEffect, SettingEvent } from './transitions.js';

const SET_ASIDE = 'setting is not acknowledged though the device is heard; set aside';

/** The settings that wait to be sent. */
export interface WaitingSettings {
  /** It waits to be sent, behind those that wait already. */
  enqueue(setting: Setting): void;
  /** It does not wait any more. */
  dequeue(setting: Setting): void;
  /** The others that wait are sent first. */
  postpone(setting: Setting): void;
}

/** What else the effects of a transition need. */
export interface SettingOutcomesHost {
  /** A setting's state or reason has changed. */
  changed(setting: Setting): void;
  /** The device is to report all its points once more. */
  askAll(): void;
  /** A resync has not ended yet. */
  resyncing(): boolean;
}

/** Tells the settings of one device what happens, and does what follows. */
export class SettingOutcomes implements DoubtedSettingsHost {
  readonly #doubted: DoubtedSettings;

  constructor(
    private readonly waiting: WaitingSettings,
    private readonly host: SettingOutcomesHost,
    private readonly publisher: SettingPublisher,
    private readonly counters: Counters,
    clock: Clock,
    private readonly log: Log,
  ) {
    this.#doubted = new DoubtedSettings(this, clock);
  }

  /** The device gets the time, and may say what it has in force. */
  opened(settings: Iterable<Setting>): void {
    this.#doubted.opened(settings);
  }

  closed(): void {
    this.#doubted.closed();
  }

  /** This happens to a setting: its state changes, and what follows is done. */
  on(setting: Setting, event: SettingEvent): void {
    for (const effect of setting.on(event)) this.#do(setting, effect);
  }

  askAll(): void {
    this.host.askAll();
  }

  uncontradicted(setting: Setting): void {
    this.on(setting, { type: 'doubtOver', resyncing: this.host.resyncing() });
  }

  #do(setting: Setting, effect: SettingEffect): void {
    const { type, key } = setting.point;
    switch (effect.do) {
      case 'enqueue':
        this.waiting.enqueue(setting);
        break;
      case 'dequeue':
        this.waiting.dequeue(setting);
        break;
      case 'postpone':
        this.waiting.postpone(setting);
        break;
      case 'show':
        this.publisher.show(setting);
        break;
      case 'showUnconfirmed':
        this.publisher.showUnconfirmed(setting);
        break;
      case 'showBefore':
        this.publisher.showBefore(setting, effect.confirmed);
        break;
      case 'doubtBegins':
        this.#doubted.begin(setting);
        break;
      case 'doubtEnds':
        this.#doubted.end(setting);
        break;
      case 'setAside': {
        const { life } = setting;
        const pauseMs = life.name === 'setAside' ? life.pauseMs : 0;
        this.log.warn({ type, key, pauseMs }, SET_ASIDE);
        break;
      }
      case 'replaced':
        this.log.info({ type, key }, 'the device has changed this itself');
        break;
      case 'unconfirmed': {
        this.counters.notice('unconfirmed');
        const { why } = effect;
        if (why === undefined) break;
        this.log.warn({ type, key }, `command is unconfirmed: ${why}; it is not sent again`);
        break;
      }
      case 'changed':
        this.host.changed(setting);
    }
  }
}
