/**
 * The devices' side: PTYs, ready-made frames, and a wait for acks. Each device
 * keeps `window` packets unacknowledged, and a PTY that is full is waited for.
 */
import { createRequire } from 'node:module';
import type { SocketConstructorOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import { decodeCobs } from '../../firmware-sim/cobs.js';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { decodePacket } from '../../firmware-sim/packet.js';
import { numberIn } from '../../firmware-sim/points.js';
import { SEQUENCES, ackFrames, pointFrames } from '../frames.js';
import { nowUs, serve, sleep } from './serve.js';

/** Arguments of `load`; see LoadPlan. `ports`: numbers of the devices. */
export interface LoadArgs {
  readonly ports: readonly number[];
  readonly points: number;
  readonly window: number;
  readonly ms: number;
}

/** Result of `load`. */
export interface LoadResult {
  readonly packets: number;
  /** Packets whose ack did not come. */
  readonly lost: number;
  /** From the first packet to the last ack. */
  readonly ms: number;
}

/** A packet that goes down: when it was heard, and the number in it. */
export interface Heard {
  readonly us: number;
  readonly value: number;
}

const READ_BYTES = 65_536;
/**
 * Acks that have not come so long after the last packet are lost. A link that
 * the gateway reads more slowly, since it wants more than its share, has its
 * last 64 packets acknowledged seconds later: 128 bytes, a turn of all that are
 * slow each, 4 ms for a turn.
 */
const LOST_AFTER_MS = 30_000;

const acks = ackFrames();
const framesByPoints = new Map<number, Uint8Array[]>();

class Device {
  readonly path: string;
  /** Something has come: the other side has opened it. */
  readonly attached: Promise<void>;
  readonly heard: Heard[] = [];
  acknowledges = true;
  /** Packets sent so far: the sequence goes on from one measurement to the next, as a device's does. */
  sent = 0;
  onAcked: ((count: number) => void) | undefined;
  readonly #stream: ReadStream;
  #attach: () => void = () => undefined;
  #part = Buffer.alloc(0);

  constructor() {
    const { master, pty } = openPty();
    this.path = pty;
    this.attached = new Promise((resolve) => (this.#attach = resolve));
    const onread = {
      buffer: Buffer.alloc(READ_BYTES),
      callback: (length: number, buffer: Uint8Array) => {
        this.#read(buffer.subarray(0, length));
        return true;
      },
    };
    this.#stream = new ReadStream(master, { onread } as SocketConstructorOpts);
    this.#stream.resume();
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** The next of these packets, one for each sequence number. */
  next(frames: readonly Uint8Array[]): Uint8Array {
    return frames[this.sent++ % SEQUENCES]!;
  }

  #read(chunk: Uint8Array): void {
    this.#attach();
    const bytes = this.#part.length === 0 ? chunk : Buffer.concat([this.#part, chunk]);
    let from = 0;
    let acked = 0;
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, from)) {
      if (end > from && this.#frame(bytes.subarray(from, end))) acked += 1;
      from = end + 1;
    }
    this.#part = Buffer.from(bytes.subarray(from));
    if (acked > 0) this.onAcked?.(acked);
  }

  /** True: an ack. */
  #frame(frame: Uint8Array): boolean {
    // Code, sequence, subject: the sequence is never 0 here.
    if (frame[2] === 0x61 && frame[3] === 0x63 && frame[4] === 0x6b) return true;
    const us = nowUs();
    const packet = decodePacket(decodeCobs(frame) ?? new Uint8Array());
    if (typeof packet === 'string' || packet.subject !== 'proto') return false;
    if (this.acknowledges) this.write(acks[packet.sequence - 1] ?? new Uint8Array());
    const [point] = POINT_CODECS.compact.decode(packet.payload) ?? [];
    if (point?.type !== 'timeSync') this.heard.push({ us, value: numberIn(point?.value) });
    return false;
  }
}

/** The other side stays open here too, unread: reading a PTY that nobody has open fails. */
function openPty(): { master: number; pty: string } {
  const { requireBinary } = createRequire(import.meta.url)('@lydell/node-pty/requireBinary.js') as {
    requireBinary: (file: string) => {
      open(columns: number, rows: number): { master: number; pty: string };
    };
  };
  return requireBinary('pty.node').open(80, 24);
}

function framesOf(points: number): Uint8Array[] {
  let frames = framesByPoints.get(points);
  if (frames === undefined) {
    frames = pointFrames(points);
    framesByPoints.set(points, frames);
  }
  return frames;
}

/** Sends packets for so long, and waits until all are acknowledged. */
function loadOne(device: Device, { points, window, ms }: LoadArgs): Promise<LoadResult> {
  const frames = framesOf(points);
  const startUs = nowUs();
  const endUs = startUs + ms * 1000;
  let sent = 0;
  let acked = 0;
  let lastUs = startUs;
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(late);
      device.onAcked = undefined;
      resolve({ packets: sent, lost: sent - acked, ms: (lastUs - startUs) / 1000 });
    };
    const late = setTimeout(finish, ms + LOST_AFTER_MS);
    const send = (count: number): void => {
      sent += count;
      const batch = Array.from({ length: count }, () => device.next(frames));
      device.write(batch.length === 1 ? batch[0]! : Buffer.concat(batch));
    };
    device.onAcked = (count) => {
      acked += count;
      lastUs = nowUs();
      if (lastUs < endUs) send(count);
      else if (acked >= sent) finish();
    };
    send(window);
  });
}

const devices: Device[] = [];

serve({
  open: ({ count }: { count: number }): string[] => {
    const added = Array.from({ length: count }, () => new Device());
    devices.push(...added);
    return added.map(({ path }) => path);
  },

  attached: async (): Promise<void> => {
    await Promise.all(devices.map((device) => device.attached));
  },

  load: async (args: LoadArgs): Promise<LoadResult> => {
    const results = await Promise.all(args.ports.map((port) => loadOne(devices[port]!, args)));
    return {
      packets: results.reduce((sum, { packets }) => sum + packets, 0),
      lost: results.reduce((sum, { lost }) => sum + lost, 0),
      ms: Math.max(...results.map(({ ms }) => ms)),
    };
  },

  /** Single packets at a pace; when each was written, in µs. */
  paced: async ({ port, count, everyMs }: { port: number; count: number; everyMs: number }) => {
    const frames = framesOf(1);
    const device = devices[port]!;
    const sentUs: number[] = [];
    for (let i = 0; i < count; i++) {
      sentUs.push(nowUs());
      device.write(device.next(frames));
      await sleep(everyMs);
    }
    return sentUs;
  },

  /** Takes down all that was heard until now. */
  takeHeard: ({ port, acknowledges }: { port: number; acknowledges: boolean }): Heard[] => {
    const device = devices[port]!;
    device.acknowledges = acknowledges;
    return device.heard.splice(0);
  },
});
