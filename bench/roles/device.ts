/** The devices' side, each device on a PTY of its own. */
import type { Protocol } from '../../firmware-sim/codec.js';
import { percentile } from '../statistics.js';
import { Device } from './pty-device.js';
import { nowUs, serve } from './serve.js';
import { setSettings, type SettingsArgs } from './settings.js';

/** Arguments of `load`; see LoadPlan. `ports`: numbers of the devices. */
export interface LoadArgs {
  readonly ports: readonly number[];
  readonly points: number;
  readonly window: number;
  readonly ms: number;
  /** Of each device; absent: as many as are acknowledged. */
  readonly packetsPerSecond?: number | undefined;
}

/** Result of `load`. */
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
 * Acks that have not come so long after the last packet are lost. A link that
 * the gateway reads more slowly, since it wants more than its share, has its
 * last 64 packets acknowledged seconds later: 128 bytes, a turn of all that are
 * slow each, 4 ms for a turn.
 */
const LOST_AFTER_MS = 30_000;
/** Where nothing at all is acknowledged, nobody acknowledges. */
const NO_ACK_AFTER_MS = 3_000;
/** Packets to a gateway that starts: before it has opened the port, and after. */
const KNOCK_EVERY_MS = 100;
const SEND_AGAIN_MS = 5;
const MOST_UNHEARD = 64;

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

const devices: Device[] = [];

serve({
  open: ({ count, protocol }: { count: number; protocol: Protocol }): OpenedPort[] => {
    const added = Array.from({ length: count }, () => new Device(protocol));
    const first = devices.length;
    devices.push(...added);
    return added.map(({ path }, i) => ({ port: first + i, path }));
  },

  attached: async ({ ports }: { ports: readonly number[] }): Promise<void> => {
    await Promise.all(ports.map((port) => devices[port]!.attached));
  },

  load: async (args: LoadArgs): Promise<LoadResult> => {
    const results = await Promise.all(args.ports.map((port) => loadOne(devices[port]!, args)));
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
  },

  /** When a packet was acknowledged for the first time, in µs. */
  firstAck: ({ port, withinMs }: FirstAckArgs): Promise<number | undefined> => {
    const device = devices[port]!;
    return new Promise((resolve) => {
      let sent = 0;
      let again: NodeJS.Timeout | undefined;
      const send = (afterMs: number): void => {
        clearTimeout(again);
        // A PTY that nobody reads holds some 4 KiB.
        if (sent++ < MOST_UNHEARD) device.send(1, 1);
        again = setTimeout(() => send(afterMs), afterMs);
      };
      const finish = (ackedUs?: number): void => {
        clearTimeout(again);
        clearTimeout(late);
        device.onAcked = undefined;
        device.onBytes = undefined;
        resolve(ackedUs);
      };
      const late = setTimeout(finish, withinMs);
      device.onAcked = () => finish(nowUs());
      // Who opens a port says so, mostly: from then on nothing is lost.
      device.onBytes = () => {
        device.onBytes = undefined;
        send(SEND_AGAIN_MS);
      };
      send(KNOCK_EVERY_MS);
    });
  },

  /** Resolves when the packet with so many settings is acknowledged, or the time is over. */
  report: async ({ port, settings, withinMs }: ReportArgs): Promise<void> => {
    const device = devices[port]!;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      device.onAcked = () => {
        clearTimeout(timer);
        resolve();
      };
      device.report(settings);
    });
    device.onAcked = undefined;
  },

  settings: (args: SettingsArgs) => setSettings(devices[args.port]!, args),
});

/** A device's number, and the PTY that a gateway opens. */
export interface OpenedPort {
  readonly port: number;
  readonly path: string;
}

/** Arguments of `report`. */
interface ReportArgs {
  readonly port: number;
  readonly settings: number;
  readonly withinMs: number;
}

/** Arguments of `firstAck`. */
export interface FirstAckArgs {
  readonly port: number;
  readonly withinMs: number;
}
