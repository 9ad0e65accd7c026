/** Packets of devices, as many and as fast as asked for, until all are acknowledged. */
import { percentile } from '../statistics.js';
import type { Device } from './pty-device.js';
import { nowUs } from './serve.js';

/** What each device sends; see LoadPlan. */
export interface LoadArgs {
  readonly points: number;
  readonly window: number;
  readonly ms: number;
  /** Of each device; absent: as many as are acknowledged. */
  readonly packetsPerSecond?: number | undefined;
}

/** What became of it, of all devices together. */
export interface LoadResult {
  readonly packets: number;
  /** Packets whose ack did not come. */
  readonly lost: number;
  /** From the first packet to the last ack. */
  readonly ms: number;
  /** From a packet to its ack. */
  readonly roundTripMs: { readonly p50: number; readonly p99: number };
  /** When each packet was sent, in µs; only of devices that keep a pace. */
  readonly sentUs: readonly number[];
}

/**
 * Acks that have not come so long after the last packet are lost. A link whose input is held
 * for the sake of a quiet one has its last packets acknowledged seconds later.
 */
const LOST_AFTER_MS = 30_000;
/** Where nothing at all is acknowledged, nobody acknowledges. */
const NO_ACK_AFTER_MS = 1_000;
interface OneResult {
  readonly packets: number;
  readonly lost: number;
  readonly ms: number;
  readonly tripsMs: readonly number[];
  readonly sentUs: readonly number[];
}

/** Sends packets for so long, and waits until all are acknowledged. */
function loadOne(device: Device, args: LoadArgs): Promise<OneResult> {
  const { points, window, ms, packetsPerSecond } = args;
  const startUs = nowUs();
  const endUs = startUs + ms * 1000;
  const most = packetsPerSecond === undefined ? Infinity : (packetsPerSecond * ms) / 1000;
  const sentUs: number[] = [];
  const tripsMs: number[] = [];
  let lastUs = startUs;
  return new Promise((resolve) => {
    let tick: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(late);
      clearTimeout(unheard);
      clearTimeout(tick);
      device.onAcked = undefined;
      resolve({
        packets: sentUs.length,
        lost: sentUs.length - tripsMs.length,
        ms: (lastUs - startUs) / 1000,
        tripsMs,
        sentUs: packetsPerSecond === undefined ? [] : sentUs,
      });
    };
    const late = setTimeout(finish, ms + LOST_AFTER_MS);
    const unheard = setTimeout(() => {
      if (tripsMs.length === 0) finish();
    }, ms + NO_ACK_AFTER_MS);
    /** As many as may be on their way, and as are due. */
    const send = (us: number): void => {
      const free = window - (sentUs.length - tripsMs.length);
      const due =
        packetsPerSecond === undefined
          ? Infinity
          : Math.min(most, 1 + ((us - startUs) * packetsPerSecond) / 1e6);
      const count = Math.max(0, Math.min(free, Math.floor(due) - sentUs.length));
      for (let i = 0; i < count; i++) sentUs.push(us);
      if (count > 0) device.send(points, count);
    };
    device.onAcked = (count) => {
      lastUs = nowUs();
      for (let i = 0; i < count; i++) {
        // Packets are acknowledged in the order in which they were sent.
        const at = sentUs[tripsMs.length];
        if (at !== undefined) tripsMs.push((lastUs - at) / 1000);
      }
      if (lastUs < endUs) send(lastUs);
      else if (tripsMs.length >= sentUs.length) finish();
    };
    const keepPace = (): void => {
      const us = nowUs();
      if (us < endUs) {
        send(us);
        tick = setTimeout(keepPace, 1);
      } else if (tripsMs.length >= sentUs.length) finish();
    };
    if (packetsPerSecond === undefined) send(startUs);
    else keepPace();
  });
}

/** All devices send at the same time. */
export async function runLoad(devices: readonly Device[], args: LoadArgs): Promise<LoadResult> {
  const results = await Promise.all(devices.map((device) => loadOne(device, args)));
  const sum = (of: (result: OneResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const tripsMs = results.flatMap((result) => result.tripsMs);
  return {
    packets: sum(({ packets }) => packets),
    lost: sum(({ lost }) => lost),
    ms: Math.max(...results.map(({ ms }) => ms)),
    roundTripMs: { p50: percentile(tripsMs, 0.5), p99: percentile(tripsMs, 0.99) },
    sentUs: results.flatMap(({ sentUs }) => sentUs),
  };
}
