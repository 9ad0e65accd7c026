/**
 * A session and a simulated device, joined by a line that loses, delays and cuts
 * up, on a clock that stands still until a test moves it.
 */
import { POINT_CODECS, type Protocol } from '../../firmware-sim/codec.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { SimulatedMcu, type McuTimes } from '../../firmware-sim/mcu.js';
import { encodePacket, type McuPacket } from '../../firmware-sim/packet.js';
import { numberIn } from '../../firmware-sim/points.js';
import { PacketReceiver } from '../../firmware-sim/receiver.js';
import { FRAMINGS } from '../../src/framing/framings.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint, numberOf, type Point } from '../../src/point/point.js';
import type { DeviceSessionHost } from '../../src/session/device-session.js';
import { NodeState } from '../../src/session/node-state.js';
import { PointBudget } from '../../src/session/node/point-quota.js';
import { PacketSession } from '../../src/session/packets/session.js';
import { FakeClock } from '../support/fake-clock.js';
import { throwImpossible } from '../../src/session/settings/impossible.js';

/** What a line does with one frame. */
export interface Delivery {
  readonly lost: boolean;
  readonly delayMs: number;
  /** Length of the pieces in which it arrives. */
  readonly pieces: number;
}

const GOOD: Delivery = { lost: false, delayMs: 1, pieces: 1_024 };
type Side = 'device' | 'gateway';
const RETRIES = 3;

export interface JoinedOptions {
  readonly protocol: Protocol;
  readonly times: McuTimes;
  readonly deliveries: readonly Delivery[];
  /** ms until points are safe in the outbox. */
  readonly safeAfterMs: number;
}

export class Joined {
  readonly clock = new FakeClock();
  readonly session: PacketSession;
  readonly mcu: SimulatedMcu;
  readonly published: Point[] = [];
  /** Values that the device saw acknowledged, in the order of their packets. */
  readonly acked: { readonly type: string; readonly value: number }[] = [];
  /** Settings in force in the device. */
  readonly has = new Map<string, number>();
  readonly connected: boolean[] = [];
  /** What the line did, for people. */
  readonly said: string[] = [];
  #nextDelivery = 0;
  #value = 0;
  readonly #arriveMs = { device: 0, gateway: 0 };
  /** Restarts of the device: all, and those of which a packet has reached the session. */
  readonly #restarts = { all: 0, heard: 0 };
  /** Of the frame that the device gets now: as `#restarts.heard` when it was written. */
  #writtenAfter = 0;
  /** Transmissions in a row that brought no ack, by who made the packet, and its sequence. */
  readonly #failed = new Map<string, number>();
  #onData: (bytes: Uint8Array) => void = () => undefined;

  constructor(private readonly options: JoinedOptions) {
    const { clock } = this;
    const host: DeviceSessionHost = {
      stream: () => 'taken',
      report: (points, safe) => {
        this.published.push(...points);
        clock.setTimer(options.safeAfterMs, safe);
        return 'taken';
      },
      connected: (connected) => void this.connected.push(connected),
      settingChanged: () => undefined,
      settingReported: () => undefined,
      deviceRestarted: () => undefined,
      logged: () => undefined,
      settingAcknowledged: () => undefined,
      namesChanged: () => undefined,
      staleChanged: () => undefined,
      changed: () => undefined,
      saved: (then) => void clock.setTimer(1, () => then(true)),
    };
    const state = new NodeState(
      host,
      { commands: [], maxPoints: 100, silenceTimeoutMs: 0, onImpossible: throwImpossible },
      clock,
      SILENT_LOG,
      new PointBudget(1_000),
      [],
    );
    this.session = new PacketSession(
      host,
      { write: (bytes) => this.#read.gateway.push(bytes), congested: false },
      {
        codec: 'auto',
        framing: FRAMINGS.cobs,
        listener: 'serial',
        ackTimeoutMs: 1_000,
        retries: RETRIES,
        maxFrameLength: 1_024,
        restore: true,
      },
      state,
      clock,
      SILENT_LOG,
      {},
    );
    const takeData = (onData: (bytes: Uint8Array) => void): void => void (this.#onData = onData);
    this.mcu = new SimulatedMcu(
      {
        write: (bytes: Uint8Array) => {
          this.#read.device.push(bytes);
          return true;
        },
        set onData(onData: (bytes: Uint8Array) => void) {
          takeData(onData);
        },
        close: () => Promise.resolve(),
      } as unknown as ConstructorParameters<typeof SimulatedMcu>[0],
      { clock, protocol: options.protocol, times: options.times },
    );
    this.#watchDevice();
    this.session.opened();
    this.mcu.start();
  }

  readonly #read: Record<Side, PacketReceiver> = {
    device: this.#receiver('device'),
    gateway: this.#receiver('gateway'),
  };

  /** The device reports the next value. */
  report(type: string): void {
    this.#value += 1;
    void this.mcu.sendPoints([{ type, value: this.#value }]);
  }

  /** Somebody sets the next value. */
  set(type: string): void {
    this.#value += 1;
    const time = this.clock.wallNs();
    this.session.settings.set(
      makePoint({ type, value: floatValue(this.#value), time, origin: 'user-1' }),
    );
  }

  reboot(): void {
    this.said.push(`${this.#now()} the device restarts`);
    this.#restarts.all += 1;
    this.mcu.reboot();
  }

  hello(): void {
    this.mcu.sendHello();
  }

  /** What crossed the line first, and how both sides ended. */
  transcript(last = 40): string {
    const settings = [...this.session.state.settings.all()].map(
      (setting) =>
        `  ${setting.point.type}=${String(numberOf(setting.point.value))} ${setting.state}` +
        (setting.waiting ? `: ${this.session.downlink.reason(setting)}` : ''),
    );
    return [
      ...this.said.slice(0, last),
      'settings:',
      ...settings,
      `in the device: ${JSON.stringify([...this.has])}`,
      `acknowledged: ${this.acked.map(({ type, value }) => `${type}=${String(value)}`).join(' ')}`,
      `published: ${this.published.map(({ type, value }) => `${type}=${String(numberOf(value))}`).join(' ')}`,
    ].join('\n');
  }

  #watchDevice(): void {
    const codec = POINT_CODECS[this.options.protocol];
    const inFlight = new Map<number, { type: string; value: number }[]>();
    this.mcu.observe({
      stopping: () => {
        inFlight.clear();
        this.has.clear();
      },
      sent: ({ sequence, subject, payload }) => {
        if (subject === 'ack' || payload.length === 0) return;
        const points = codec.decode(payload) ?? [];
        inFlight.set(
          sequence,
          points.map(({ type, value }) => ({ type, value: numberIn(value) })),
        );
      },
      received: ({ subject, sequence }) => {
        if (subject !== 'ack') return;
        // An ack that crosses the first packet after a restart is for a packet of
        // before it. On this wire nobody can tell, the gateway least of all.
        if (this.#writtenAfter === this.#restarts.all) {
          this.acked.push(...(inFlight.get(sequence) ?? []));
        }
        inFlight.delete(sequence);
      },
      points: (points) => {
        for (const { type, value } of points) this.has.set(type, numberIn(value));
      },
    });
  }

  #receiver(from: Side): PacketReceiver {
    return new PacketReceiver(
      {
        packet: (packet) => this.#carry(from, packet),
        problem: (problem) => {
          throw new Error(`the ${from} wrote a frame that is ${problem}`);
        },
      },
      0xffff,
    );
  }

  #carry(from: Side, packet: McuPacket): void {
    const delivery = this.options.deliveries[this.#nextDelivery++] ?? GOOD;
    const isAck = packet.subject === 'ack';
    const maker: Side = isAck ? (from === 'device' ? 'gateway' : 'device') : from;
    const key = `${maker} ${String(packet.sequence)}`;
    const failed = this.#failed.get(key) ?? 0;
    // A packet without points is not acknowledged, nor sent again.
    const isHello =
      !isAck && POINT_CODECS[this.options.protocol].decode(packet.payload)?.length === 0;
    const lost = delivery.lost && failed < RETRIES && !isHello;
    this.#failed.set(key, lost ? failed + 1 : isAck ? 0 : failed);
    this.said.push(
      `${this.#now()} ${from} #${String(packet.sequence)} ${packet.subject} ${lost ? 'lost' : `+${String(delivery.delayMs)} ms`}`,
    );
    if (lost) return;
    const bytes = encodeFrame(encodePacket(packet));
    const atMs = Math.max(this.#arriveMs[from], this.clock.monotonicMs() + delivery.delayMs);
    this.#arriveMs[from] = atMs;
    const { all, heard } = this.#restarts;
    for (let at = 0; at < bytes.length; at += delivery.pieces) {
      const piece = bytes.subarray(at, at + delivery.pieces);
      this.clock.setTimer(atMs - this.clock.monotonicMs(), () => {
        if (from === 'device') {
          this.#restarts.heard = all;
          this.session.data(piece);
        } else {
          this.#writtenAfter = heard;
          this.#onData(piece);
        }
      });
    }
  }

  #now(): string {
    return this.clock.monotonicMs().toFixed(0).padStart(6);
  }
}
