/** The devices' side, each device on a PTY of its own. */
import type { Protocol } from '../../firmware-sim/codec.js';
import { runLoad, type LoadArgs } from './load.js';
import { Device } from './pty-device.js';
import { nowUs, serve } from './serve.js';
import { runStream, type StreamArgs } from './stream.js';
import { setSettings, type SettingsArgs } from './settings.js';

/** Packets to a gateway that starts: before it has opened the port, and after. */
const KNOCK_EVERY_MS = 100;
const SEND_AGAIN_MS = 5;

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

  load: ({ ports, ...args }: LoadArgs & { readonly ports: readonly number[] }) =>
    runLoad(
      ports.map((port) => devices[port]!),
      args,
    ),

  /** When a packet was acknowledged for the first time, in µs. */
  firstAck: ({ port, withinMs }: FirstAckArgs): Promise<number | undefined> => {
    const device = devices[port]!;
    return new Promise((resolve) => {
      let again: NodeJS.Timeout | undefined;
      const send = (afterMs: number): void => {
        clearTimeout(again);
        device.send(1, 1);
        again = setTimeout(() => send(afterMs), afterMs);
      };
      const finish = (ackedUs?: number): void => {
        clearTimeout(again);
        clearTimeout(late);
        device.onAcked = undefined;
        device.onPacket = undefined;
        resolve(ackedUs);
      };
      const late = setTimeout(finish, withinMs);
      device.onAcked = () => finish(nowUs());
      // Who opens a port sends a packet, mostly: from then on nothing is lost.
      device.onPacket = () => {
        device.onPacket = undefined;
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

  stream: ({ port, ...args }: StreamArgs & { readonly port: number }) =>
    runStream(devices[port]!, args),

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
