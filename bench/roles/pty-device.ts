/**
 * A device on a PTY: ready-made packets go up, acks are counted, packets that come down are
 * acknowledged. It does no more than that, so that it is not what the bench measures.
 */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { SocketConstructorOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import { decodeCobs } from '../../firmware-sim/cobs.js';
import { POINT_CODECS, type Protocol } from '../../firmware-sim/codec.js';
import { decodePacket } from '../../firmware-sim/packet.js';
import type { McuPoint } from '../../firmware-sim/points.js';
import { SEQUENCES, ackFrames, pointFrames, reportFrame, streamFrames } from '../frames.js';

const READ_BYTES = 65_536;
/** A PTY that is full is tried again after this time, or when something has come from the other side. */
const FULL_MS = 1;

/** A device; a PTY that is full is waited for. */
export class Device {
  readonly path: string;
  /** Something has come: the other side has opened it. */
  readonly attached: Promise<void>;
  /** Told how many acks have come. */
  onAcked: ((count: number) => void) | undefined;
  /** Told that a packet has come that is no ack. What the terminal echoes before it is opened is none. */
  onPacket: (() => void) | undefined;
  /** Given the points of each packet that comes down. */
  onPoints: ((points: readonly McuPoint[]) => void) | undefined;
  /** Packets sent so far: the sequence goes on from one measurement to the next, as a device's does. */
  #sent = 0;
  readonly #master: number;
  readonly #stream: ReadStream;
  /** What the PTY did not take yet. */
  #rest: Uint8Array = new Uint8Array();
  #again: NodeJS.Timeout | undefined;
  readonly #acks: readonly Uint8Array[];
  /** High-rate packets sent so far; their sequence is one of its own. */
  #streamed = 0;
  #streamSamples = 0;
  #streamFrames: readonly Uint8Array[] = [];
  readonly #frames = new Map<number, readonly Uint8Array[]>();
  #attach: () => void = () => undefined;
  #part = Buffer.alloc(0);

  constructor(private readonly protocol: Protocol) {
    this.#acks = ackFrames(protocol);
    const { master, pty } = openPty();
    this.#master = master;
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

  /** Sends packets with so many points each. */
  send(points: number, count: number): void {
    const frames = this.#framesOf(points);
    if (count === 1) {
      this.#write(frames[this.#sent++ % SEQUENCES]!);
      return;
    }
    const batch = Array.from({ length: count }, () => frames[this.#sent++ % SEQUENCES]!);
    this.#write(Buffer.concat(batch));
  }

  /** Sends high-rate packets with so many samples each. */
  stream(samples: number, count: number): void {
    if (this.#streamSamples !== samples) this.#streamFrames = streamFrames(samples);
    this.#streamSamples = samples;
    const frames = this.#streamFrames;
    this.#write(
      Buffer.concat(Array.from({ length: count }, () => frames[this.#streamed++ % SEQUENCES]!)),
    );
  }

  /** Bytes that the PTY did not take yet. */
  get waiting(): number {
    return this.#rest.length;
  }

  /** Reports so many settings, as a device does that has just started. */
  report(settings: number): void {
    const sequence = (this.#sent++ % SEQUENCES) + 1;
    this.#write(reportFrame(settings, sequence, this.protocol));
  }

  /** Gives the PTY back. */
  close(): void {
    clearTimeout(this.#again);
    this.#stream.destroy();
  }

  /** A stream would try again and again while a PTY is full, and take all the time of a core for it. */
  #write(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#again === undefined) this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#again);
    this.#again = undefined;
    try {
      this.#rest = this.#rest.subarray(writeSync(this.#master, this.#rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
    if (this.#rest.length > 0) this.#again = setTimeout(() => this.#flush(), FULL_MS);
  }

  #framesOf(points: number): readonly Uint8Array[] {
    let frames = this.#frames.get(points);
    if (frames === undefined) {
      frames = pointFrames(points, this.protocol);
      this.#frames.set(points, frames);
    }
    return frames;
  }

  #read(chunk: Uint8Array): void {
    this.#attach();
    if (this.#again !== undefined) this.#flush();
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
    const packet = decodePacket(decodeCobs(frame) ?? new Uint8Array());
    if (typeof packet === 'string' || packet.subject !== 'proto') return false;
    this.#write(this.#acks[packet.sequence - 1] ?? new Uint8Array());
    this.onPacket?.();
    this.onPoints?.(POINT_CODECS[this.protocol].decode(packet.payload) ?? []);
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
