/** High-rate packets of a device at a pace, or as fast as its PTY takes them, with points beside them. */
import type { Device } from './pty-device.js';
import { percentile } from '../statistics.js';
import { nowUs } from './serve.js';

/** What the device sends. */
export interface StreamArgs {
  readonly ms: number;
  /** Samples of a packet. */
  readonly samples: number;
  /** Absent: as many as the PTY takes. */
  readonly packetsPerSecond?: number | undefined;
  /** Packets with one point; 0: none. */
  readonly pointsPerSecond: number;
}

/** What became of it. */
export interface StreamResult {
  /** High-rate packets that were written. */
  readonly packets: number;
  readonly ms: number;
  /** Points without an ack. */
  readonly lostPoints: number;
  /** From a packet with a point to its ack, ms. */
  readonly tripP99Ms: number;
}

/** A device that is not paced has at most so much waiting for its PTY, bytes. */
const MOST_WAITING = 32_768;
const BATCH = 16;
const ACKED_WITHIN_MS = 2_000;

export function runStream(device: Device, args: StreamArgs): Promise<StreamResult> {
  const { ms, samples, packetsPerSecond, pointsPerSecond } = args;
  const startUs = nowUs();
  const endUs = startUs + ms * 1000;
  const sentUs: number[] = [];
  const tripsMs: number[] = [];
  let packets = 0;
  return new Promise((resolve) => {
    let tookMs = ms;
    const finish = (): void => {
      clearTimeout(late);
      device.onAcked = undefined;
      resolve({
        packets,
        ms: tookMs,
        lostPoints: sentUs.length - tripsMs.length,
        tripP99Ms: percentile(tripsMs, 0.99),
      });
    };
    const late = setTimeout(finish, ms + ACKED_WITHIN_MS);
    const finishIfDone = (): void => {
      if (nowUs() >= endUs && device.waiting === 0 && tripsMs.length === sentUs.length) finish();
    };
    device.onAcked = (count) => {
      for (let i = 0; i < count; i++) {
        const at = sentUs[tripsMs.length];
        if (at !== undefined) tripsMs.push((nowUs() - at) / 1000);
      }
      finishIfDone();
    };
    const step = (): void => {
      const us = nowUs();
      if (us >= endUs) {
        if (device.waiting > 0) setTimeout(step, 1);
        else {
          tookMs = (us - startUs) / 1000;
          finishIfDone();
        }
        return;
      }
      const seconds = (us - startUs) / 1e6;
      if (sentUs.length < seconds * pointsPerSecond) {
        sentUs.push(us);
        device.send(1, 1);
      }
      if (packetsPerSecond === undefined) {
        if (device.waiting < MOST_WAITING) {
          device.stream(samples, BATCH);
          packets += BATCH;
        }
        setImmediate(step);
        return;
      }
      const due = Math.floor(seconds * packetsPerSecond) - packets;
      if (due > 0) device.stream(samples, due);
      packets += Math.max(0, due);
      setTimeout(step, 1);
    };
    step();
  });
}
