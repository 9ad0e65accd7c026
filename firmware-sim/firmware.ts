import { PANIC_DUMP } from './panic.js';
import { announcementPoint, announcementsOf, type Announcement } from './announcements.js';
import type { SimTimer } from './clock.js';
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
import type { SendOutcome } from './sender.js';
import { Waveform } from './waveform.js';

/** Told what happens to the device; the methods are those of `McuObserver` (mcu.ts). */
export interface FirmwareObserver {
  started?(): void;
  clockSet?(timeNs: bigint): void;
  points?(points: readonly McuPoint[]): void;
}

/** How a report has ended. */
export interface ReportEnd {
  readonly outcome: SendOutcome;
}

/** The device that the firmware runs on: what it says, however that goes over the line. */
export interface FirmwareMcu {
  /** Time since its start, ms. */
  readonly uptimeMs: number;
  observe(observer: FirmwareObserver): void;
  /** Calls `fn` in `ms`, unless the device restarts or is closed before. */
  later(ms: number, fn: () => void): SimTimer;
  reboot(): void;
  /** Writes bytes to the line as they are. */
  sendRaw(bytes: Uint8Array): void;
  /** Sends the points that `read` returns; see `SimulatedMcu.reportPoints`. */
  reportPoints(read: () => readonly PointLike[], isCurrent?: () => boolean): Promise<ReportEnd>;
  sendLog(text: string): void;
}

/** Told what the firmware does. */
export interface FirmwareEvents {
  /** A setting was applied; `applied` differs from `asked` where a limit changed it. */
  setting?(type: string, key: string, asked: McuValue, applied: McuValue): void;
  /** A command was received; `action` as in the profile. */
  command?(type: string, action: string): void;
  /** The point of a setting was deleted in SIOT; the device keeps its value. */
  removed?(type: string, key: string): void;
}

type SettingValue = number | boolean | string;

/** ms until a restart, so that the ack of its command is sent before. */
const RESTART_AFTER_MS = 50;

/** ms until a report without ack is sent again. */
const REPORT_AGAIN_MS = 5000;

/** Points in a packet: with texts of some 60 bytes the packet stays below 1,024 bytes. */
const PACKET_POINTS = 8;

/** What is reported: a setting, a sensor, what they are, or one of these two. */
type Reported = SettingProfile | SensorProfile | Announcement | 'description' | 'uptime';

/** Bytes of an announcement that take the place of one point. */
const POINT_BYTES = 100;

/** The firmware of a profile: its sensors, settings, uptime, log and commands. */
export class Firmware {
  readonly #mcu: FirmwareMcu;
  readonly #profile: Profile;
  readonly #random: SeededRandom;
  readonly #events: FirmwareEvents;
  readonly #settings = new Map<SettingProfile, SettingValue>();
  readonly #announcements: readonly Announcement[];
  readonly #waves = new Map<SensorProfile, Waveform>();
  /** To be reported, until it is acknowledged. */
  readonly #reports = new Set<Reported>();
  #reporting = false;
  /** Uptime from which on all points may be reported again, ms. */
  #notAllBeforeMs = 0;
  #allTimer: SimTimer | undefined;
  #logLine = 0;

  constructor(
    mcu: FirmwareMcu,
    profile: Profile,
    random: SeededRandom,
    events: FirmwareEvents = {},
  ) {
    this.#mcu = mcu;
    this.#profile = profile;
    this.#random = random;
    this.#events = events;
    this.#announcements = announcementsOf(profile);
    for (const setting of profile.settings) this.#settings.set(setting, setting.initial);
    mcu.observe({
      started: () => {
        this.#start();
      },
      clockSet: () => {
        this.#reportAll();
      },
      points: (points) => {
        for (const point of points) this.#take(point);
      },
    });
  }

  /** The value in force; `undefined`: the profile has no such setting. */
  setting(type: string, key = ''): SettingValue | undefined {
    const found = this.#find(this.#profile.settings, type, key);
    return found === undefined ? undefined : this.#settings.get(found);
  }

  /** A person changes a setting at the device: applies the value, within its limits, and reports it. Throws a RangeError: no such setting. */
  turn(type: string, value: SettingValue, key = ''): void {
    const setting = this.#find(this.#profile.settings, type, key);
    if (setting === undefined) throw new RangeError(`the profile has no setting "${type}"`);
    const applied = limit(setting, typeof value === 'boolean' ? Number(value) : value);
    this.#settings.set(setting, applied ?? this.#inForce(setting));
    this.#report(setting);
  }

  /** All its points, with their present values. */
  all(): PointLike[] {
    return this.#everything().map((one) => this.#point(one));
  }

  #start(): void {
    for (const setting of this.#profile.settings) {
      if (!setting.persisted) this.#settings.set(setting, setting.initial);
    }
    const { description, sensors, settings, uptime, log } = this.#profile;
    this.#reports.clear();
    this.#reporting = false;
    this.#notAllBeforeMs = 0;
    this.#allTimer = undefined;
    for (const sensor of sensors) this.#waves.set(sensor, this.#waveform(sensor));
    this.#report(
      ...this.#announcements,
      ...(description === undefined ? [] : ['description' as const]),
      ...settings,
    );

    // Sensors with the same interval share packets.
    for (const intervalMs of new Set(sensors.map((sensor) => sensor.intervalMs))) {
      const group = sensors.filter((sensor) => sensor.intervalMs === intervalMs);
      this.#every(intervalMs, async () => {
        await Promise.all(packetsOf(group).map((packet) => this.#sendPacket(packet)));
      });
    }
    if (uptime !== undefined) {
      this.#every(uptime.intervalMs, async () => {
        await this.#mcu.reportPoints(() => [this.#uptime()]);
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
   * Calls `act` each `intervalMs`, but not while the last call is unfinished: a small
   * device has no memory for packets that are not acknowledged.
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
      if (command.action !== 'none') {
        this.#mcu.later(RESTART_AFTER_MS, () => {
          if (command.action === 'panic') this.#mcu.sendRaw(Buffer.from(PANIC_DUMP));
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
    const number = fromWire(numberIn(point.value), scaleOf(setting));
    const text = textIn(point.value);
    // With neither a number nor a text, the wire does not tell which is meant.
    const asked = text !== '' || (setting.kind === 'text' && number === 0) ? text : number;
    this.#settings.set(setting, limit(setting, asked) ?? this.#inForce(setting));
    const applied = this.#settingPoint(setting).value;
    this.#events.setting?.(setting.type, setting.key, point.value, applied);
    this.#report(setting);
  }

  /**
   * Reports all points after a `timeSync`, which may come from a gateway that has
   * never seen this device. At most once in `reportAllMs`; for a `timeSync` that
   * comes sooner, when that time is over.
   */
  #reportAll(): void {
    const { reportAllMs } = this.#profile;
    if (reportAllMs === 0 || this.#allTimer !== undefined) return;
    const waitMs = this.#notAllBeforeMs - this.#mcu.uptimeMs;
    if (waitMs > 0) {
      this.#allTimer = this.#mcu.later(waitMs, () => {
        this.#allTimer = undefined;
        this.#reportAll();
      });
      return;
    }
    this.#notAllBeforeMs = this.#mcu.uptimeMs + reportAllMs;
    this.#report(...this.#everything());
  }

  #everything(): Reported[] {
    const { description, sensors, settings, uptime } = this.#profile;
    return [
      ...this.#announcements,
      ...(description === undefined ? [] : ['description' as const]),
      ...settings,
      ...sensors,
      ...(uptime === undefined || uptime.everyPacket === true ? [] : ['uptime' as const]),
    ];
  }

  #point(reported: Reported): PointLike {
    if (reported === 'description') {
      return { type: 'description', value: this.#profile.description };
    }
    if (reported === 'uptime') return this.#uptime();
    if ('announces' in reported) return announcementPoint(reported);
    if ('kind' in reported) return this.#settingPoint(reported);
    const value = this.#waves.get(reported)?.at(this.#mcu.uptimeMs);
    const { type, key, scale } = reported;
    return { type, key, value: value === undefined ? value : toWire(value, scale) };
  }

  #settingPoint(setting: SettingProfile): PointLike {
    const value = this.#inForce(setting);
    return {
      type: setting.type,
      key: setting.key,
      value: typeof value === 'string' ? value : toWire(Number(value), scaleOf(setting)),
    };
  }

  #inForce(setting: SettingProfile): SettingValue {
    return this.#settings.get(setting) ?? setting.initial;
  }

  /** Reports present values until they are acknowledged; only the newest of a value is sent. */
  #report(...what: readonly Reported[]): void {
    for (const one of what) this.#reports.add(one);
    if (this.#reporting || this.#reports.size === 0) return;
    this.#reporting = true;
    const batch = firstPacket(this.#reports);
    for (const one of batch) this.#reports.delete(one);
    void this.#sendPacket(batch).then(({ outcome }) => {
      // After a restart all is reported again anyway.
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

  /** A packet with the values at the time of sending. If a setting changes before the ack, the next transmission is a new packet. */
  #sendPacket(what: readonly Reported[]): Promise<ReportEnd> {
    const settings = this.#profile.settings.filter((setting) => what.includes(setting));
    const inForce = (): SettingValue[] => settings.map((setting) => this.#inForce(setting));
    let said: SettingValue[] = [];
    return this.#mcu.reportPoints(
      () => {
        said = inForce();
        const first = this.#profile.uptime?.everyPacket === true ? [this.#uptime()] : [];
        return [...first, ...what.map((one) => this.#point(one))];
      },
      () => inForce().every((value, i) => value === said[i]),
    );
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

/** The first of these that fit into a packet; at least one. */
function firstPacket(reports: Iterable<Reported>): Reported[] {
  const batch: Reported[] = [];
  let room = PACKET_POINTS;
  for (const one of reports) {
    const isLong = typeof one === 'object' && 'announces' in one;
    room -= isLong ? Math.ceil((one.json.length + one.announces.length) / POINT_BYTES) : 1;
    if (room < 0 && batch.length > 0) break;
    batch.push(one);
  }
  return batch;
}

const scaleOf = (setting: SettingProfile): number | undefined =>
  setting.kind === 'number' ? setting.scale : undefined;

const toWire = (value: number, scale: number | undefined): number =>
  scale === undefined ? value : Math.round(value / scale);

/** Without the digits that only the product of two doubles has. */
const fromWire = (value: number, scale: number | undefined): number =>
  scale === undefined ? value : Number((value * scale).toPrecision(12));

function packetsOf<T>(all: readonly T[]): T[][] {
  const packets: T[][] = [];
  for (let at = 0; at < all.length; at += PACKET_POINTS) {
    packets.push(all.slice(at, at + PACKET_POINTS));
  }
  return packets;
}

/** The value that the device applies; `undefined`: it keeps its own. */
function limit(setting: SettingProfile, asked: number | string): SettingValue | undefined {
  switch (setting.kind) {
    case 'number':
      if (typeof asked !== 'number' || Number.isNaN(asked)) return undefined;
      return Math.min(setting.max ?? Infinity, Math.max(setting.min ?? -Infinity, asked));
    case 'boolean':
      // True is exactly 1 (docs/siot.md, 1.1).
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
