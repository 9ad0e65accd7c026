/** One packet with a setting, on its way to the device. */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Delivery, Unanswered } from '../sending/client.js';
import type { OutgoingPacket } from '../sending/outgoing.js';
import type { Confirmation, SettingOutcomes } from './outcomes.js';
import type { Setting } from './setting.js';

export interface SettingDeliveryHost {
  /** `undefined`: the setting cannot be sent, or does not wait any more. */
  encode(setting: Setting, codec: PayloadCodec): OutgoingPacket | undefined;
  /** Its ack is waited for. */
  awaiting(delivery: SettingDelivery): void;
  /** Its ack is not waited for any more. */
  ended(delivery: SettingDelivery): void;
  /** The device has acknowledged the setting by this packet, perhaps late. */
  answered(delivery: SettingDelivery): void;
}

export class SettingDelivery implements Delivery {
  /** Transmission that was made last, of so many that are allowed. */
  attempt = 0;
  limit = 0;
  #confirmation: Confirmation | undefined;

  constructor(
    readonly setting: Setting,
    readonly once: boolean,
    private readonly host: SettingDeliveryHost,
    private readonly outcomes: SettingOutcomes,
  ) {}

  /** Firmware that does not know a repeated packet acts once more on a repeated command. */
  get unhurried(): boolean {
    return this.setting.command;
  }

  encode(codec: PayloadCodec): OutgoingPacket | undefined {
    return this.host.encode(this.setting, codec);
  }

  transmitted(attempt: number, limit: number): void {
    this.attempt = attempt;
    this.limit = limit;
    this.host.awaiting(this);
    this.outcomes.transmitted(this.setting);
  }

  sentOnce(): void {
    this.outcomes.sentOnce(this.setting);
  }

  acknowledged(): void {
    this.host.answered(this);
    this.#confirmation = this.outcomes.confirmed(this.setting);
  }

  ackTakenBack(): void {
    if (this.#confirmation !== undefined) this.outcomes.takenBack(this.#confirmation);
  }

  unanswered(why: Unanswered): void {
    this.host.ended(this);
    this.outcomes.unanswered(this.setting, why);
  }

  dropped(): void {
    this.host.ended(this);
  }
}
