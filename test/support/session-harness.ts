import { POINT_CODECS, type Protocol } from '../../firmware-sim/codec.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { encodePacket } from '../../firmware-sim/packet.js';
import { PacketReceiver } from '../../firmware-sim/receiver.js';
import {
  mcuPoint,
  numberIn,
  textIn,
  type McuPoint,
  type PointLike,
} from '../../firmware-sim/points.js';
import { FRAMINGS } from '../../src/framing/framings.js';
import { LimitedLog } from '../../src/point/limited-log.js';
import { floatValue, makePoint, type Point } from '../../src/point/point.js';
import type {
  DeviceRestart,
  DeviceSessionHost,
  DeviceSessionRecord,
  SessionChannel,
} from '../../src/session/device-session.js';
import type { Counters } from '../../src/session/node/counters.js';
import { DEVICE_SAYS } from '../../src/session/node/device-log.js';
import { NodeState, type NodeOptions } from '../../src/session/node-state.js';
import { PointBudget } from '../../src/session/node/point-quota.js';
import { PacketSession, type PacketSessionOptions } from '../../src/session/packets/session.js';
import { FakeClock } from './fake-clock.js';
import { toHex } from '../firmware-sim/vectors.js';
import { throwImpossible } from '../../src/session/settings/impossible.js';
import type { Setting } from '../../src/session/settings/setting.js';
import { recordingLog, type Said } from './recording-log.js';

/** A packet that the gateway has written, as the firmware's own codec reads it. */
export interface Sent {
  readonly atMs: number;
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Of the codec that can read it; undefined for acks. */
  readonly protocol: Protocol | undefined;
  readonly point: McuPoint | undefined;
  readonly points: readonly McuPoint[];
  /** All bytes that were written for it, in hex. */
  readonly frame: string;
}

export interface HarnessOptions extends Partial<PacketSessionOptions & NodeOptions> {
  /** Codec that the device speaks. */
  readonly device?: Protocol;
  readonly record?: DeviceSessionRecord;
  readonly clock?: FakeClock;
  readonly budget?: PointBudget;
  /** The log is limited as that of a link is. */
  readonly limitedLog?: boolean;
  /** Which packets with points the device acknowledges, and after how many ms. None by default. */
  readonly acks?: (packet: Sent) => number | undefined;
  /** The line returns what is written: after so many ms. Not by default. */
  readonly echoMs?: number;
}

/** The device acknowledges everything at once. */
export const ackAll = (): number => 0;
export const ackNothing = (): undefined => undefined;

/** A session between a scripted device and a host that records, on a clock that stands still. */
export class SessionHarness {
  readonly clock: FakeClock;
  readonly session: PacketSession;
  readonly written: Sent[] = [];
  readonly reports: Point[][] = [];
  /** Payloads of high-rate packets that were handed on. */
  readonly streamed: Uint8Array[] = [];
  readonly connected: boolean[] = [];
  readonly changedSettings: Setting[] = [];
  readonly log: Said[] = [];
  /** What is kept of the device's log. */
  readonly lines: string[] = [];
  readonly restarts: DeviceRestart[] = [];
  /** What the way to SIOT does with reports. */
  outbox: 'taken' | 'full' | 'dropped' = 'taken';
  /** Whether reports become safe at once, or when {@link makeSafe} is called. */
  safety: 'now' | 'later' = 'now';
  readonly unsafe: (() => void)[] = [];
  /** Whether the record is on disk at once, when {@link makeSaved} is called, or cannot be saved. */
  saving: 'now' | 'later' | 'fails' = 'now';
  readonly unsaved: ((kept: boolean) => void)[] = [];
  congested = false;
  /** The line returns what is written: after so many ms. */
  echoMs: number | undefined;
  /** What an echo is made of what was written, one chunk or several. */
  echoOf: (bytes: Uint8Array) => Uint8Array[] = (bytes) => [bytes];
  acks: (packet: Sent) => number | undefined;
  /** Gets the frame of each ack, later. */
  onAck: ((frame: Uint8Array) => void) | undefined;
  device: Protocol;
  #taken = 0;
  #sequence = 0;
  #open = false;
  #writing = '';
  readonly #options: HarnessOptions;

  constructor(options: HarnessOptions = {}) {
    const { device = 'compact', record = {}, acks = ackNothing } = options;
    this.#options = options;
    this.clock = options.clock ?? new FakeClock();
    this.acks = acks;
    this.device = device;
    this.echoMs = options.echoMs;
    const receiver = new PacketReceiver(
      {
        packet: (packet) => this.#record(packet),
        problem: (problem) => {
          throw new Error(`the gateway wrote a frame that is ${problem}`);
        },
      },
      0xffff,
    );
    const isCongested = (): boolean => this.congested;
    const channel: SessionChannel<Uint8Array> = {
      write: (bytes) => {
        if (bytes[0] !== 0 || bytes.at(-1) !== 0) throw new Error('not between two zeros');
        this.#return(bytes);
        this.#writing = toHex(bytes);
        const before = this.written.length;
        receiver.push(bytes);
        if (this.written.length !== before + 1) throw new Error('not one packet in one write');
      },
      get congested() {
        return isCongested();
      },
    };
    const host: DeviceSessionHost = {
      report: (points, safe) => {
        if (this.outbox === 'full') return 'full';
        this.reports.push([...points]);
        if (this.outbox === 'dropped') return 'dropped';
        if (this.safety === 'now') safe();
        else this.unsafe.push(safe);
        return 'taken';
      },
      stream: (payload) => {
        this.streamed.push(payload);
        return this.outbox === 'dropped' ? 'dropped' : 'taken';
      },
      connected: (connected) => void this.connected.push(connected),
      settingChanged: (setting) => void this.changedSettings.push(setting),
      settingReported: () => undefined,
      deviceRestarted: (restart) => void this.restarts.push(restart),
      logged: (text) => void this.lines.push(text),
      settingAcknowledged: () => undefined,
      namesChanged: () => undefined,
      staleChanged: () => undefined,
      changed: () => undefined,
      saved: (then) => {
        if (this.saving === 'later') this.unsaved.push(then);
        else then(this.saving === 'now');
      },
    };
    const log =
      options.limitedLog === true
        ? new LimitedLog(recordingLog(this.log), this.clock, { passes: new Set([DEVICE_SAYS]) })
        : recordingLog(this.log);
    const state = new NodeState(
      host,
      {
        commands: options.commands ?? [],
        maxPoints: options.maxPoints ?? 5_000,
        silenceTimeoutMs: options.silenceTimeoutMs ?? 0,
        points: options.points ?? {},
        onImpossible: throwImpossible,
      },
      this.clock,
      log,
      options.budget ?? new PointBudget(20_000),
      record.settings ?? [],
    );
    this.session = new PacketSession(
      host,
      channel,
      {
        codec: options.codec ?? 'auto',
        framing: options.framing ?? FRAMINGS.cobs,
        listener: options.listener ?? 'serial',
        ackTimeoutMs: options.ackTimeoutMs ?? 1_000,
        retries: options.retries ?? 3,
        maxFrameLength: options.maxFrameLength ?? 1_024,
        restore: options.restore ?? true,
        // As of a serial port.
        echo: options.echo ?? { byteMs: 0, random: () => 0 },
        ...(options.subjects === undefined ? {} : { subjects: options.subjects }),
      },
      state,
      this.clock,
      log,
      record,
    );
  }

  /** A device whose codec is configured, open, its opening served if it acknowledges. */
  static opened(options: HarnessOptions = {}): SessionHarness {
    const device = options.device ?? 'compact';
    const harness = new SessionHarness({ codec: device, ...options });
    harness.open();
    return harness;
  }

  /** As {@link opened}, with a device that has spoken, acknowledges, and has been served. */
  static talking(options: HarnessOptions = {}): SessionHarness {
    const harness = SessionHarness.opened({ acks: ackAll, ...options });
    harness.points([{ type: 'temp', value: 1 }]);
    harness.flush();
    harness.take();
    return harness;
  }

  /** What is kept over restarts of the gateway. */
  record(): DeviceSessionRecord {
    const { session } = this;
    return { ...session.recordWithoutSettings(), settings: session.state.settings.records() };
  }

  /** The gateway ends and starts again: all that is left is the record, written as JSON. */
  reborn(options: HarnessOptions = {}): SessionHarness {
    if (this.#open) this.close();
    const record = JSON.parse(JSON.stringify(this.record())) as DeviceSessionRecord;
    const second = new SessionHarness({
      ...this.#options,
      acks: this.acks,
      device: this.device,
      clock: this.clock,
      ...options,
      record,
    });
    second.session.state.restoreNames({ ...this.session.state.knownNames(), names: '' });
    return second;
  }

  open(): void {
    this.#open = true;
    this.session.opened();
    this.flush();
  }

  close(): void {
    this.#open = false;
    this.session.closed();
  }

  /** Lets acks without delay, and whatever else is due now, happen. */
  flush(): void {
    this.clock.advance(0);
  }

  advance(ms: number): void {
    this.clock.advance(ms);
  }

  get nextSequence(): number {
    return (this.#sequence % 255) + 1;
  }

  /** The device sends points; returns the sequence. */
  points(
    points: readonly PointLike[],
    sequence = this.nextSequence,
    { subject = '', protocol = this.device } = {},
  ): number {
    const payload = POINT_CODECS[protocol].encode(points.map(mcuPoint));
    return this.packet(sequence, subject, payload);
  }

  packet(sequence: number, subject: string, payload: Uint8Array = new Uint8Array(0)): number {
    if (subject !== 'ack') this.#sequence = sequence;
    this.bytes(encodeFrame(encodePacket({ sequence, subject, payload })));
    this.flush();
    return sequence;
  }

  hello(sequence = this.nextSequence): number {
    return this.packet(sequence, '');
  }

  ack(sequence: number): void {
    this.packet(sequence, 'ack');
  }

  bytes(bytes: Uint8Array): void {
    this.session.data(bytes);
  }

  /** Somebody sets a point in SIOT; time goes by a little, as it does between two people. */
  set(type: string, value: number | Point['value'], given: Partial<Point> = {}): Setting {
    this.clock.advance(1);
    const setting = this.session.settings.set(this.settingPoint(type, value, given));
    if (setting === undefined) throw new Error('the setting was refused');
    this.flush();
    return setting;
  }

  settingPoint(type: string, value: number | Point['value'], given: Partial<Point> = {}): Point {
    return makePoint({
      type,
      value: typeof value === 'number' ? floatValue(value) : value,
      time: this.clock.wallNs(),
      origin: 'user-1',
      ...given,
    });
  }

  /** What was written since the last call. */
  take(): Sent[] {
    const sent = this.written.slice(this.#taken);
    this.#taken = this.written.length;
    return sent;
  }

  /** Sequences of acks written since the last call; other packets are taken along. */
  takeAcks(): number[] {
    return this.take()
      .filter(({ subject }) => subject === 'ack')
      .map(({ sequence }) => sequence);
  }

  /** `type=value` of packets with points written since the last call, acks taken along. */
  takePoints(): string[] {
    return this.take()
      .filter(({ subject }) => subject !== 'ack')
      .map(shown);
  }

  get published(): Point[] {
    return this.reports.flat();
  }

  count(cause: Parameters<Counters['get']>[0]): number {
    return this.session.state.counters.get(cause);
  }

  makeSafe(): void {
    for (const safe of this.unsafe.splice(0)) safe();
    this.flush();
  }

  makeSaved(): void {
    for (const then of this.unsaved.splice(0)) then(true);
    this.flush();
  }

  #return(bytes: Uint8Array): void {
    if (this.echoMs === undefined) return;
    const chunks = this.echoOf(Uint8Array.from(bytes));
    this.clock.setTimer(this.echoMs, () => {
      if (this.#open) for (const chunk of chunks) this.bytes(chunk);
    });
  }

  #record({
    sequence,
    subject,
    payload,
  }: {
    sequence: number;
    subject: string;
    payload: Uint8Array;
  }): void {
    const read = subject === 'ack' || subject === 'file' ? undefined : readEither(payload);
    const packet: Sent = {
      atMs: this.clock.monotonicMs(),
      sequence,
      subject,
      payload,
      protocol: read?.protocol,
      point: read?.points[0],
      points: read?.points ?? [],
      frame: this.#writing,
    };
    this.written.push(packet);
    if (subject === 'ack') {
      const ack = Buffer.from(this.#writing, 'hex');
      if (this.onAck !== undefined) this.clock.setTimer(0, () => this.onAck?.(ack));
      return;
    }
    const delay = this.acks(packet);
    if (delay === undefined) return;
    this.clock.setTimer(delay, () => {
      if (!this.#open) return;
      this.bytes(
        encodeFrame(encodePacket({ sequence, subject: 'ack', payload: new Uint8Array(0) })),
      );
    });
  }
}

/** `type=value`, or the bare type where there is none. */
export function shown({ point }: Sent): string {
  if (point === undefined) return '?';
  const { type, value } = point;
  if (value === undefined || type === 'timeSync') return type;
  const text = textIn(value);
  return `${type}=${text === '' ? String(numberIn(value)) : text}`;
}

function readEither(payload: Uint8Array): { protocol: Protocol; points: McuPoint[] } {
  for (const protocol of ['compact', 'protobuf'] as const) {
    const points = POINT_CODECS[protocol].decode(payload);
    if (points !== undefined) return { protocol, points };
  }
  throw new Error('the gateway wrote points that neither codec reads');
}
