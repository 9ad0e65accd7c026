/** A device session for a console, with a simulated device at the other end of the line. */
import { pipePair } from '../../../firmware-sim/pipe.js';
import { mcuPoint, sameKey, type McuPoint, type PointLike } from '../../../firmware-sim/points.js';
import { ShellMcu, type ShellMcuOptions } from '../../../firmware-sim/shell/mcu.js';
import type { Point } from '../../../src/point/point.js';
import type {
  DeviceRestart,
  DeviceSessionHost,
  DeviceSessionRecord,
} from '../../../src/session/device-session.js';
import { NodeState, type NodeOptions } from '../../../src/session/node-state.js';
import { PointBudget } from '../../../src/session/node/point-quota.js';
import { throwImpossible } from '../../../src/session/settings/impossible.js';
import type { SettingRecord } from '../../../src/session/settings/record.js';
import type { Setting } from '../../../src/session/settings/setting.js';
import { ShellSession, type ShellSessionOptions } from '../../../src/session/shell/session.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLog, type Said } from '../../support/recording-log.js';

export interface ConsoleOptions
  extends Partial<Omit<ShellMcuOptions, 'clock'>>, Partial<ShellSessionOptions & NodeOptions> {
  readonly record?: DeviceSessionRecord;
  readonly settings?: readonly SettingRecord[];
  readonly clock?: FakeClock;
}

export class Console {
  readonly clock: FakeClock;
  readonly session: ShellSession;
  readonly mcu: ShellMcu;
  readonly points: Point[] = [];
  readonly connected: boolean[] = [];
  readonly changes: Setting[] = [];
  readonly log: Said[] = [];
  readonly restarts: DeviceRestart[] = [];
  /** Lines of the device that are kept. */
  readonly kept: string[] = [];
  /** Lines that the gateway has written. */
  readonly lines: string[] = [];
  outbox: 'taken' | 'full' | 'dropped' = 'taken';
  saving: 'now' | 'fails' = 'now';
  congested = false;
  /** What the device has of each point. */
  readonly values: McuPoint[] = [];
  /** Bytes that the gateway writes are lost while this says so of their line. */
  loses: (line: string) => boolean = () => false;
  /** Called with what is set: what the device makes of it. */
  applies: (point: McuPoint) => McuPoint = (point) => point;

  constructor(options: ConsoleOptions = {}) {
    const { record = {}, settings = [], clock = new FakeClock(), ...others } = options;
    this.clock = clock;
    const [end, gateway] = pipePair();
    this.mcu = new ShellMcu(end, { clock, ...others });
    this.mcu.all = () => this.values;
    this.mcu.observe({
      started: () => {
        this.values.length = 0;
      },
      points: (points) => {
        for (const point of points) this.report(this.applies(point));
      },
    });
    const host: DeviceSessionHost = {
      report: (points, safe) => {
        if (this.outbox !== 'taken') return this.outbox;
        this.points.push(...points);
        safe();
        return 'taken';
      },
      stream: () => 'taken',
      logged: (text) => void this.kept.push(text),
      connected: (connected) => void this.connected.push(connected),
      settingChanged: (setting) => void this.changes.push(setting),
      settingReported: () => undefined,
      settingAcknowledged: () => undefined,
      deviceRestarted: (restart) => void this.restarts.push(restart),
      namesChanged: () => undefined,
      staleChanged: () => undefined,
      changed: () => undefined,
      saved: (then) => then(this.saving === 'now'),
    };
    const { silenceTimeoutMs = 60_000, commands = ['restart'], maxPoints = 1000 } = others;
    const { ackTimeoutMs = 1000, restore = true, maxLineLength = 1024, byteMs = 0 } = others;
    const log = recordingLog(this.log);
    const state = new NodeState(
      host,
      { commands, maxPoints, silenceTimeoutMs, onImpossible: throwImpossible },
      clock,
      log,
      new PointBudget(1000),
      settings,
    );
    const isCongested = (): boolean => this.congested;
    const channel = {
      write: (bytes: Uint8Array) => {
        const line = Buffer.from(bytes).toString().replace(/\r\n$/, '');
        this.lines.push(line);
        if (!this.loses(line)) gateway.write(bytes);
      },
      get congested() {
        return isCongested();
      },
    };
    this.session = new ShellSession(
      host,
      channel,
      { ackTimeoutMs, restore, maxLineLength, byteMs, silenceTimeoutMs },
      state,
      clock,
      log,
      record,
    );
    gateway.onData = (bytes) => {
      if (this.session.isOpen) this.session.data(bytes);
    };
  }

  /** The device is on and has a point, the port is opened, and the handshake is over. */
  open(): this {
    this.mcu.start();
    this.report({ type: 'model', value: 'pump' });
    this.session.opened();
    this.clock.advance(200);
    this.points.length = 0;
    this.lines.length = 0;
    return this;
  }

  /** The device has a value, and reports it if it streams. */
  report(point: PointLike): void {
    const full = mcuPoint(point);
    const at = this.values.findIndex((one) => one.type === full.type && sameKey(one.key, full.key));
    if (at >= 0) this.values.splice(at, 1);
    this.values.push(full);
    void this.mcu.reportPoints(() => [full]);
  }

  /** The device prints nothing from now on. */
  mute(): this {
    this.mcu.sendRaw = () => undefined;
    return this;
  }

  /** Sets a point as a person does, now. */
  set(type: string, value: Point['value'], given: Partial<Point> = {}): Setting {
    const time = this.clock.wallNs();
    const point = { type, key: '', value, time, tombstone: 0, origin: 'user-1', ...given };
    const setting = this.session.settings.set(point);
    if (setting === undefined) throw new Error(`${type} is no setting`);
    return setting;
  }

  /** The commands that the gateway has written since the last call, without the time of `p`. */
  takeLines(): string[] {
    return this.lines.splice(0).map((line) => line.replace(/ 20\d\d-\S+Z$/, ' TIME'));
  }

  /** The device prints these lines. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.mcu.sendRaw(Buffer.from(`${line}\r\n`));
  }

  /** All that the node has in SIOT, as `type=value`. */
  get published(): string[] {
    return this.points.map(({ type, value }) => `${type}=${shown(value)}`);
  }
}

function shown(value: Point['value']): string {
  switch (value.kind) {
    case 'float':
      return String(value.number);
    case 'int':
      return `${String(value.integer)}i`;
    case 'none':
      return '';
    default:
      return value.text;
  }
}
