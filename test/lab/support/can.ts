/** CAN interfaces of the lab, and their states. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Peer, ip, loadModules, run } from './system.js';
import { until } from '../../support/until.js';

/** Bytes of a frame as programs get it from the kernel: `mtu` of classic CAN and of CAN FD. */
const CLASSIC_MTU = 16;
const FD_MTU = 72;

/** Makes a virtual bus, for all programs of this machine, and brings it up. */
export function addVcan(name: string, { fd = false } = {}): void {
  loadModules('vcan', 'can-raw');
  ip(
    `link add dev ${name} type vcan`,
    `link set ${name} mtu ${fd ? FD_MTU : CLASSIC_MTU}`,
    `link set ${name} up`,
  );
  // Its frames go through a queue of the processor that sends: those of a process
  // that changes to another one would overtake each other, as on no real bus.
  writeFileSync(`/sys/class/net/${name}/queues/rx-0/rps_cpus`, '1');
}

export function removeInterface(name: string): void {
  ip(`link delete ${name}`);
}

/** The two Kvaser controllers, which share one bus with arbitration and acknowledgement. */
export const KVASER = ['can0', 'can1'] as const;
const BIT_RATE = 500_000;

export interface KvaserOptions {
  /** Bits a second; the emulated bus works also where the two differ. */
  readonly bitRate?: number;
  /** Milliseconds after which the kernel restarts a controller that is bus-off; 0: never. */
  readonly restartMs?: number;
}

/** Brings the interfaces up, which have to be down; all their counters start anew. */
export function bringUpKvaser(
  names: readonly string[] = KVASER,
  { bitRate = BIT_RATE, restartMs = 0 }: KvaserOptions = {},
): void {
  loadModules('kvaser_pci', 'can-raw');
  ip(
    ...names.flatMap((name) => [
      `link set ${name} type can bitrate ${bitRate} restart-ms ${restartMs}`,
      `link set ${name} up`,
    ]),
  );
}

export function bringDown(...names: readonly string[]): void {
  ip(...names.map((name) => `link set ${name} down`));
}

export interface CanState {
  readonly up: boolean;
  readonly mtu: number;
  /** Such as `ERROR-ACTIVE`, `ERROR-PASSIVE`, `BUS-OFF`, `STOPPED`; undefined for vcan. */
  readonly state?: string | undefined;
  /** Error counters of the controller. */
  readonly txErrors?: number | undefined;
  readonly rxErrors?: number | undefined;
}

interface LinkJson {
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly linkinfo?: {
    readonly info_data?: {
      readonly state?: string;
      readonly berr_counter?: { readonly tx: number; readonly rx: number };
    };
  };
}

/** The state of an interface, as the kernel knows it. */
export function canState(name: string): CanState {
  const all = JSON.parse(run('ip', '-details', '-json', 'link', 'show', name)) as LinkJson[];
  const link = all[0];
  if (link === undefined) throw new Error(`there is no ${name}`);
  const data = link.linkinfo?.info_data;
  return {
    up: link.flags.includes('UP'),
    mtu: link.mtu,
    state: data?.state,
    txErrors: data?.berr_counter?.tx,
    rxErrors: data?.berr_counter?.rx,
  };
}

/** Sends a frame in the form of `cansend`: `123#DEADBEEF`, `00000123#`, `123##1AABB`. */
export function sendFrame(name: string, frame: string): void {
  run('cansend', name, frame);
}

/** `candump` in the form of its log files, once it listens. */
export function listen(...interfaces: readonly string[]): Promise<Peer> {
  return listenAs([], interfaces);
}

/** With more options of `candump`; an interface may have filters behind it, one: `vcan0,123:7FF`. */
export async function listenAs(
  options: readonly string[],
  interfaces: readonly string[],
): Promise<Peer> {
  const before = listeners();
  const peer = new Peer('candump', '-L', ...options, ...interfaces);
  await until(() => listeners() >= before + interfaces.length, 'candump to listen');
  return peer;
}

/** Receivers that the kernel knows, of all frames or of some. */
function listeners(): number {
  const lists = ['all', 'fil', 'sff', 'eff'].map((name) =>
    readFileSync(`/proc/net/can/rcvlist_${name}`, 'utf8'),
  );
  // Two lines of heading for each interface that has some.
  const lines = lists.join('\n').split('\n');
  return lines.filter((line) => /^\s+\w+\s+[\da-f]{3}/.test(line)).length;
}
