import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Delivery, Unanswered } from '../sending/client.js';
import type { OutgoingPacket } from '../sending/outgoing.js';
import type { SettingOutcomes } from './outcomes.js';
import type { Setting } from './setting.js';
import { confirmationOf } from './states.js';
import type { SettingEvent } from './transitions.js';

/** What a delivery needs of the settings client, and tells it. */
export interface SettingDeliveryHost {
  /** By which its point is scaled now. */
  scaleOf(setting: Setting): number;
  /** `undefined`: the setting cannot be sent, or does not wait any more. */
  encode(setting: Setting, codec: PayloadCodec): OutgoingPacket | undefined;
  /** Its ack is waited for. */
  awaiting(delivery: SettingDelivery): void;
  /** Its ack is not waited for any more. */
  ended(delivery: SettingDelivery): void;
  /** The device has acknowledged the setting by this packet, perhaps late. */
  answered(delivery: SettingDelivery): void;
  /** All that follows from an ack is done. */
  acknowledged(): void;
}

/** One packet with a setting, on its way to the device. */
export class SettingDelivery implements Delivery {
  readonly persistent = false;
  /** The number of the last transmission, from 1, and how many are allowed. */
  attempt = 0;
  limit = 0;
  /** Takes back what its ack has changed. */
  #takeBack: SettingEvent | undefined;
  /** By which the setting was scaled in this packet. */
  #scale: number | undefined;

  constructor(
    readonly setting: Setting,
    readonly once: boolean,
    private readonly host: SettingDeliveryHost,
    private readonly outcomes: SettingOutcomes,
    private readonly clock: Clock,
  ) {}

  /** Firmware that does not know a repeated packet acts once more on a repeated command. */
  get unhurried(): boolean {
    return this.setting.command;
  }

  encode(codec: PayloadCodec): OutgoingPacket | undefined {
    this.#scale = this.host.scaleOf(this.setting);
    return this.host.encode(this.setting, codec);
  }

  transmitted(attempt: number, limit: number): void {
    this.attempt = attempt;
    this.limit = limit;
    this.host.awaiting(this);
    this.#written();
    this.outcomes.on(this.setting, { type: 'transmitted' });
  }

  sentOnce(): void {
    this.#written();
    this.outcomes.on(this.setting, { type: 'sentOnce' });
  }

  acknowledged(): void {
    if (this.#isOutdated) this.host.ended(this);
    else this.#answered();
    this.host.acknowledged();
  }

  #answered(): void {
    const { setting } = this;
    this.host.answered(this);
    const before = setting.life;
    this.outcomes.on(setting, { type: 'acknowledged', ns: this.clock.wallNs() });
    const confirmed = confirmationOf(setting.life);
    if (setting.life !== before && confirmed !== undefined) {
      this.#takeBack = { type: 'ackTakenBack', before, confirmed };
    }
  }

  ackTakenBack(): void {
    if (this.#takeBack !== undefined) this.outcomes.on(this.setting, this.#takeBack);
  }

  unanswered(why: Unanswered): void {
    this.host.ended(this);
    const nowMs = this.clock.monotonicMs();
    this.outcomes.on(this.setting, { type: 'unanswered', why, nowMs });
  }

  dropped(): void {
    this.host.ended(this);
  }

  #written(): void {
    if (this.#scale !== undefined) this.setting.sentScale = this.#scale;
  }

  /** The device has the number, and it means another one by now. A command has acted all the same. */
  get #isOutdated(): boolean {
    return !this.setting.command && this.#scale !== this.host.scaleOf(this.setting);
  }
}
