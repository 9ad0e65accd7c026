import type { SimulatedMcu } from './mcu.js';
import {
  numberIn,
  sameKey,
  textIn,
  type McuPoint,
  type McuValue,
  type PointLike,
} from './points.js';
import type { Profile, SensorProfile, SettingProfile } from './profile.js';
import type { SeededRandom } from './random.js';
import type { SendResult } from './sender.js';
import { Waveform } from './waveform.js';

/** Told what the firmware does, for people. */
export interface FirmwareEvents {
  /** A setting was applied; `asked` differs from `applied` where a limit held it back. */
  setting?(type: string, key: string, asked: McuValue, applied: McuValue): void;
  command?(type: string, action: string): void;
  /** Somebody has removed the point in SIOT; the value stays in force here. */
  removed?(type: string, key: string): void;
}

type SettingValue = number | boolean | string;

/** A restart waits until its ack is out on the line. */
const RESTART_AFTER_MS = 50;

/** Before what nobody has acknowledged is reported again. */
const REPORT_AGAIN_MS = 5000;

/** Points put into one packet: with texts of some 60 bytes they stay within 1,024. */
const PACKET_POINTS = 8;

/** What runs on the simulated device: a profile's sensors, settings, uptime, log and commands. */
export class Firmware {
  readonly #mcu: SimulatedMcu;
  readonly #profile: Profile;
  readonly #random: SeededRandom;
  readonly #events: FirmwareEvents;
  readonly #settings = new Map<SettingProfile, SettingValue>();
  /** Settings, and the description, that wait to be reported. */
  readonly #reports = new Set<SettingProfile | 'description'>();
  #reporting = false;
  #logLine = 0;

  constructor(
    mcu: SimulatedMcu,
    profile: Profile,
    random: SeededRandom,
    events: FirmwareEvents = {},
  ) {
    this.#mcu = mcu;
    this.#profile = profile;
    this.#random = random;
    this.#events = events;
    for (const setting of profile.settings) this.#settings.set(setting, setting.initial);
    mcu.observe({
      started: () => {
        this.#start();
      },
      points: (points) => {
        for (const point of points) this.#take(point);
      },
    });
  }

  /** The value in force; `undefined` if the profile has no such setting. */
  setting(type: string, key = ''): SettingValue | undefined {
    const found = this.#find(this.#profile.settings, type, key);
    return found === undefined ? undefined : this.#settings.get(found);
  }

  /** The person at the device turns a knob: takes the value, with its limits, and reports it. */
  turn(type: string, value: SettingValue, key = ''): void {
    const setting = this.#find(this.#profile.settings, type, key);
    if (setting === undefined) throw new RangeError(`the profile has no setting "${type}"`);
    const applied = limit(setting, typeof value === 'boolean' ? Number(value) : value);
    this.#settings.set(setting, applied ?? this.#inForce(setting));
    this.#report(setting);
  }

  #start(): void {
    for (const setting of this.#profile.settings) {
      if (!setting.persisted) this.#settings.set(setting, setting.initial);
    }
    const { description, sensors, settings, uptime, log } = this.#profile;
    if (description !== undefined) this.#reports.add('description');
    this.#reporting = false;
    this.#report(...settings);

    // Sensors that are read as often share their packets.
    for (const intervalMs of new Set(sensors.map((sensor) => sensor.intervalMs))) {
      const group = sensors
        .filter((sensor) => sensor.intervalMs === intervalMs)
        .map((sensor) => ({ sensor, wave: this.#waveform(sensor) }));
      this.#every(intervalMs, async () => {
        await this.#send(
          group.map(({ sensor, wave }) => ({
            type: sensor.type,
            key: sensor.key,
            value: wave.at(this.#mcu.uptimeMs),
          })),
        );
      });
    }
    if (uptime !== undefined) {
      this.#every(uptime.intervalMs, async () => {
        await this.#mcu.sendPoints([this.#uptime()]);
      });
    }
    if (log !== undefined) {
      this.#every(log.intervalMs, () => {
        this.#mcu.sendLog(log.lines[this.#logLine % log.lines.length] ?? '');
        this.#logLine += 1;
        return Promise.resolve();
      });
    }
  }

  /**
   * Each `intervalMs`; left out while the last time is still on its way, since a
   * small device has no room for what nobody takes.
   */
  #every(intervalMs: number, act: () => Promise<void>): void {
    let busy = false;
    const tick = (): void => {
      this.#mcu.later(intervalMs, tick);
      if (busy) return;
      busy = true;
      void act().finally(() => {
        busy = false;
      });
    };
    this.#mcu.later(intervalMs, tick);
  }

  #waveform(sensor: SensorProfile): Waveform {
    return new Waveform(sensor, this.#random.fork(`${sensor.type}/${sensor.key}`));
  }

  #take(point: McuPoint): void {
    const command = this.#find(this.#profile.commands, point.type, point.key);
    if (command !== undefined) {
      if (numberIn(point.value) === 0 && textIn(point.value) === '') return;
      this.#events.command?.(point.type, command.action);
      if (command.action === 'restart') {
        this.#mcu.later(RESTART_AFTER_MS, () => {
          this.#mcu.reboot();
        });
      }
      return;
    }
    const setting = this.#find(this.#profile.settings, point.type, point.key);
    if (setting === undefined) return;
    if ((point.tombstone & 1) === 1) {
      this.#events.removed?.(point.type, point.key);
      return;
    }
    const number = numberIn(point.value);
    const text = textIn(point.value);
    // Neither is 0 or "": the wire does not tell which.
    const asked = text !== '' || (setting.kind === 'text' && number === 0) ? text : number;
    this.#settings.set(setting, limit(setting, asked) ?? this.#inForce(setting));
    const applied = this.#settingPoint(setting).value;
    this.#events.setting?.(setting.type, setting.key, point.value, applied);
    this.#report(setting);
  }

  #settingPoint(setting: SettingProfile): PointLike {
    const value = this.#inForce(setting);
    return {
      type: setting.type,
      key: setting.key,
      value: typeof value === 'boolean' ? Number(value) : value,
    };
  }

  #inForce(setting: SettingProfile): SettingValue {
    return this.#settings.get(setting) ?? setting.initial;
  }

  /** Reports what is in force, until it has been acknowledged: what changes meanwhile goes out once. */
  #report(...settings: readonly SettingProfile[]): void {
    for (const setting of settings) this.#reports.add(setting);
    if (this.#reporting || this.#reports.size === 0) return;
    this.#reporting = true;
    const batch = [...this.#reports].slice(0, PACKET_POINTS);
    for (const one of batch) this.#reports.delete(one);
    const points = batch.map((one) =>
      one === 'description'
        ? { type: 'description', value: this.#profile.description }
        : this.#settingPoint(one),
    );
    void this.#sendPacket(points).then(({ outcome }) => {
      // After a restart everything is reported anew anyway.
      if (outcome === 'aborted') return;
      this.#reporting = false;
      if (outcome === 'acknowledged') {
        this.#report();
        return;
      }
      for (const one of batch) this.#reports.add(one);
      this.#mcu.later(REPORT_AGAIN_MS, () => {
        this.#report();
      });
    });
  }

  async #send(points: readonly PointLike[]): Promise<void> {
    const packets: Promise<unknown>[] = [];
    for (let at = 0; at < points.length; at += PACKET_POINTS) {
      packets.push(this.#sendPacket(points.slice(at, at + PACKET_POINTS)));
    }
    await Promise.all(packets);
  }

  #sendPacket(points: readonly PointLike[]): Promise<SendResult> {
    const first = this.#profile.uptime?.everyPacket === true ? [this.#uptime()] : [];
    return this.#mcu.sendPoints([...first, ...points]);
  }

  #uptime(): PointLike {
    return { type: 'uptime', value: Math.floor(this.#mcu.uptimeMs / 1000) };
  }

  #find<T extends { readonly type: string; readonly key: string }>(
    all: readonly T[],
    type: string,
    key: string,
  ): T | undefined {
    return all.find((one) => one.type === type && sameKey(one.key, key));
  }
}

/** What the device makes of a value; `undefined`: it keeps its own. */
function limit(setting: SettingProfile, asked: number | string): SettingValue | undefined {
  switch (setting.kind) {
    case 'number':
      if (typeof asked !== 'number' || Number.isNaN(asked)) return undefined;
      return Math.min(setting.max ?? Infinity, Math.max(setting.min ?? -Infinity, asked));
    case 'boolean':
      // True is exactly 1 (siot-interop.md, 1.1).
      return typeof asked === 'number' ? asked === 1 : undefined;
    case 'text': {
      if (typeof asked !== 'string') return undefined;
      if (setting.oneOf !== undefined && !setting.oneOf.includes(asked)) return undefined;
      return setting.maxLength === undefined
        ? asked
        : Array.from(asked).slice(0, setting.maxLength).join('');
    }
  }
}
