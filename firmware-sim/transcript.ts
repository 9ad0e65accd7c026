import type { SimClock, SimTimer } from './clock.js';
import { sameKey, showValue, type McuPoint } from './points.js';

/** A packet with a good CRC, as the device received it. */
export interface ReceivedPacket {
  /** By the clock that the device was given. */
  readonly atMs: number;
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Empty for packets that carry none, and where they cannot be decoded. */
  readonly points: readonly McuPoint[];
  /** The whole packet, before COBS, CRC included. */
  readonly bytes: Uint8Array;
  /** The same bytes as the point packet before it. */
  readonly retransmission: boolean;
  /** A zero that SIOT's encoder had lost was put back (docs/siot.md, 2.1). */
  readonly repaired: boolean;
}

export interface WaitOptions {
  /** "" and "0" are one. Not given: any key. */
  readonly key?: string;
  /** `waitMs` of the device by default. */
  readonly timeoutMs?: number;
  /**
   * `true`: only what comes from now on. By default what has been received
   * already counts too, so that a test cannot come too late.
   */
  readonly fromNow?: boolean;
}

/** Something a test waited for, or wanted to see, did not come. */
export class NotReceivedError extends Error {
  override readonly name = 'NotReceivedError';
}

interface Waiter {
  offer(packet: ReceivedPacket): void;
  reject(why: string): void;
}

/** What the device has received, and who waits for more. */
export class Transcript {
  readonly packets: ReceivedPacket[] = [];
  readonly #waiters = new Set<Waiter>();

  constructor(
    private readonly clock: SimClock,
    /** Packets kept; the oldest go first. */
    private readonly limit: number,
    private readonly waitMs: number,
  ) {}

  add(packet: ReceivedPacket): void {
    this.packets.push(packet);
    if (this.packets.length > this.limit) this.packets.shift();
    for (const waiter of [...this.#waiters]) waiter.offer(packet);
  }

  /** The first for which `pick` gives something; rejects with {@link NotReceivedError}. */
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

  /** Nobody waits for ever for a device that is gone. */
  close(): void {
    for (const waiter of [...this.#waiters]) waiter.reject('the device was closed');
  }

  /** The last packets, for a message. */
  describe(last = 20): string {
    if (this.packets.length === 0) return 'The device has received nothing.';
    const lines = this.packets.slice(-last).map((packet) => `  ${describePacket(packet)}`);
    return `The device has received ${String(this.packets.length)} packets, the last of them:\n${lines.join('\n')}`;
  }
}

export function describePacket(packet: ReceivedPacket): string {
  const points = packet.points.map(describePoint).join(', ');
  const again = packet.retransmission ? ' (again)' : '';
  return `${packet.atMs.toFixed(0)} ms #${String(packet.sequence)} "${packet.subject}"${again} ${points}`.trimEnd();
}

export function describePoint(point: McuPoint): string {
  const key = sameKey(point.key, '') ? '' : `/${point.key}`;
  const deleted = (point.tombstone & 1) === 1 ? ' (deleted)' : '';
  return `${point.type}${key} = ${showValue(point.value)}${deleted}`;
}
