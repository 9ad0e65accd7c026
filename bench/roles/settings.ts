/** Somebody who sets points of a device, and the device: one process, so that one sees at once what the other does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { mcuPoint, numberIn } from '../../firmware-sim/points.js';
import { DOWN_TYPE } from '../frames.js';
import type { Device } from './pty-device.js';
import { nowUs } from './serve.js';

/** Arguments of `settings`. */
export interface SettingsArgs {
  readonly port: number;
  readonly server: string;
  /** Of the link's node. */
  readonly id: string;
  /** Points that are set in turn. */
  readonly known: number;
  readonly ms: number;
  /** Absent: each point is set again as soon as the device has it. */
  readonly everyMs?: number;
  /** What comes down is always the same packet, whatever was set. */
  readonly isAlwaysSame: boolean;
}

/** Result of `settings`. */
export interface SettingsResult {
  /** Settings that the device has received, and acknowledged. */
  readonly received: number;
  readonly ms: number;
  /** From publishing to the device, of each that was received. */
  readonly tripsMs: readonly number[];
}

/** What is under way then may still come. */
const LAST_MS = 100;

const connections = new Map<string, Promise<NatsConnection>>();

/** Sets points for so long. */
export async function setSettings(device: Device, args: SettingsArgs): Promise<SettingsResult> {
  const { server, id, known, ms, everyMs, isAlwaysSame } = args;
  let connecting = connections.get(server);
  if (connecting === undefined) {
    connecting = connect({ servers: server, noAsyncTraces: true });
    connections.set(server, connecting);
  }
  const nats = await connecting;
  const subjects = Array.from({ length: known }, (_, key) => `p.${id}.${DOWN_TYPE}.${String(key)}`);
  /** By key: the number that the device does not have yet, and when it was published. */
  const wanted = new Map<number, { readonly value: number; readonly us: number }>();
  const tripsMs: number[] = [];
  let published = 0;
  const set = (key: number): void => {
    const value = ++published;
    // Times of settings increase.
    const time = BigInt(Date.now()) * 1_000_000n + BigInt(value % 1_000_000);
    const point = mcuPoint({ type: DOWN_TYPE, key: String(key), value, time, origin: 'bench' });
    const payload = POINT_CODECS.compact.encode([point]);
    wanted.set(key, { value, us: nowUs() });
    nats.publish(subjects[key]!, payload);
  };

  const startUs = nowUs();
  const endUs = startUs + ms * 1000;
  device.onPoints = (points) => {
    const us = nowUs();
    for (const { type, key, value } of points) {
      if (type !== DOWN_TYPE) continue;
      const [at] = isAlwaysSame ? wanted.keys() : [Number(key)];
      const want = at === undefined ? undefined : wanted.get(at);
      // What is sent again counts once.
      if (at === undefined || want === undefined) continue;
      if (!isAlwaysSame && want.value !== numberIn(value)) continue;
      wanted.delete(at);
      tripsMs.push((us - want.us) / 1000);
      if (everyMs === undefined && us < endUs) set(at);
    }
  };
  if (everyMs === undefined) {
    for (let key = 0; key < known; key++) set(key);
    await sleep(ms);
  } else {
    for (let key = 0; nowUs() < endUs; key = (key + 1) % known) {
      set(key);
      await sleep(everyMs);
    }
  }
  const received = tripsMs.length;
  const tookMs = (nowUs() - startUs) / 1000;
  await sleep(LAST_MS);
  device.onPoints = undefined;
  return { received, ms: tookMs, tripsMs };
}
