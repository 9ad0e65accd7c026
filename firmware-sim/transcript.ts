import type { SimClock, SimTimer } from './clock.js';
import { sameKey, showValue, type McuPoint } from './points.js';

/** A received packet with a good CRC. */
export interface ReceivedPacket {
  /** Monotonic ms of the device's clock. */
  readonly atMs: number;
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Empty if the packet has none, or they cannot be decoded. */
  readonly points: readonly McuPoint[];
  /** The whole packet before COBS, with its CRC. */
  readonly bytes: Uint8Array;
  /** It has the same bytes as the packet with points before it. */
  readonly retransmission: boolean;
  /** With a zero that SIOT's encoder had lost (docs/siot.md, 2.1). */
  readonly repaired: boolean;
}

/** Options of the `waitFor…` methods. */
export interface WaitOptions {
  /** Key of the point; "" and "0" are one. Absent: any key. */
  readonly key?: string;
  /** ms; default: `waitMs` of the device. */
  readonly timeoutMs?: number;
  /**
   * `true`: only packets received from now on. By default, earlier ones count as
   * well, so that it does not matter when a test begins to wait.
   */
  readonly fromNow?: boolean;
}

/** What a test expects was not received; or, for `assertNotReceived`, it was. */
export class NotReceivedError extends Error {
  override readonly name = 'NotReceivedError';
}

interface Waiter {
  offer(packet: ReceivedPacket): void;
  reject(why: string): void;
}

/** The received packets, and the calls that wait for more. */
export class Transcript {
  readonly packets: ReceivedPacket[] = [];
  readonly #waiters = new Set<Waiter>();

  constructor(
    private readonly clock: SimClock,
    /** Number of packets kept; the oldest are removed. */
    private readonly limit: number,
    private readonly waitMs: number,
  ) {}

  add(packet: ReceivedPacket): void {
    this.packets.push(packet);
    if (this.packets.length > this.limit) this.packets.shift();
    for (const waiter of [...this.#waiters]) waiter.offer(packet);
  }

  /** The first result of `pick` that is not `undefined`. Rejects with {@link NotReceivedError}. */
  wait<T>(
    what: string,
    pick: (packet: ReceivedPacket) => T | undefined,
    options: WaitOptions = {},
  ): Promise<T> {
    if (options.fromNow !== true) {
      for (const packet of this.packets) {
        const found = pick(packet);
        if (found !== undefined) return Promise.resolve(found);
      }
    }
    const timeoutMs = options.timeoutMs ?? this.waitMs;
    return new Promise((resolve, reject) => {
      let timer: SimTimer | undefined = undefined;
      const end = (): void => {
        timer?.cancel();
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        offer: (packet) => {
          const found = pick(packet);
          if (found === undefined) return;
          end();
          resolve(found);
        },
        reject: (why) => {
          end();
          reject(new NotReceivedError(`${what} was not received: ${why}\n${this.describe()}`));
        },
      };
      timer = this.clock.setTimer(timeoutMs, () => {
        waiter.reject(`nothing for ${String(timeoutMs)} ms`);
      });
      this.#waiters.add(waiter);
    });
  }

  /** Rejects all calls that wait. */
  close(): void {
    for (const waiter of [...this.#waiters]) waiter.reject('the device was closed');
  }

  /** The last packets, as text. */
  describe(last = 20): string {
    if (this.packets.length === 0) return 'The device has received nothing.';
    const lines = this.packets.slice(-last).map((packet) => `  ${describePacket(packet)}`);
    return `The device has received ${String(this.packets.length)} packets, the last of them:\n${lines.join('\n')}`;
  }
}

/** A packet in a line of text. */
export function describePacket(packet: ReceivedPacket): string {
  const points = packet.points.map(describePoint).join(', ');
  const again = packet.retransmission ? ' (again)' : '';
  return `${packet.atMs.toFixed(0)} ms #${String(packet.sequence)} "${packet.subject}"${again} ${points}`.trimEnd();
}

/** A point as text. */
export function describePoint(point: McuPoint): string {
  const key = sameKey(point.key, '') ? '' : `/${point.key}`;
  const deleted = (point.tombstone & 1) === 1 ? ' (deleted)' : '';
  return `${point.type}${key} = ${showValue(point.value)}${deleted}`;
}
