/** Measures all wanted cases; the results are plain figures. */
import { measureInTurn, type CodecFigures } from './codec.js';
import type { Comparison } from './comparison.js';
import { measureFair, type FairFigures } from './fair.js';
import { measureHighRate, type HighRateFigures } from './high-rate.js';
import { measureLoads, type LatenciesFigures, type LoadFigures } from './loads.js';
import { measureOutbox, type OutboxFigures } from './outbox.js';
import {
  CODEC,
  CONFIRMED,
  DURABLE,
  LOAD_CASES,
  NATS,
  STAGES,
  isWanted,
  type BenchOptions,
} from './plan.js';
import { measureSettings, type SettingsFigures } from './settings.js';
import { publishAlone } from './stage.js';
import { measureStart, type StartFigures } from './starting.js';
import { median } from './statistics.js';
import { Steadiness, type SteadinessFigures } from './steadiness.js';
import { measureUsb, type UsbFigures } from './usb.js';
import { measureWaiting, type WaitingFigures } from './waiting.js';

/** The result of the bench. Absent: not measured. */
export interface BenchFigures {
  readonly node: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly codecs: readonly CodecFigures[];
  readonly nats?: { readonly messagesPerSecond: number; readonly cpuUsPerMessage: number };
  /**
   * The NATS client alone publishes one message and waits until the server has confirmed it: what
   * an acknowledgement costs at least that is not the disk's.
   */
  readonly confirmed?: { readonly ms: number; readonly cpuUs: number };
  /** The same over bare sockets, beside an acknowledgement that does not wait: the bound of `durable`. */
  readonly waiting?: WaitingFigures;
  readonly loads: readonly LoadFigures[];
  readonly latencies: readonly LatenciesFigures[];
  readonly fair: FairFigures;
  readonly settings?: SettingsFigures;
  readonly usb?: UsbFigures;
  readonly highRate?: HighRateFigures;
  readonly start: StartFigures;
  /** Most resident memory of the gateway as it is configured by default, by number of links. */
  readonly rssMb: Readonly<Record<string, number>>;
  readonly outbox: OutboxFigures;
  readonly steadiness?: SteadinessFigures;
  /** Only where a baseline was given. */
  readonly comparisons?: readonly Comparison[];
}

/** Messages between two confirmations by the server. */
const BURST = 1_000;

const isDurable = (name: string, only: readonly string[]): boolean =>
  name.startsWith(`${DURABLE}/`) && isWanted(name, only);

/** Measures what `given.only` names. Rejects with a BenchError. */
export async function measure(given: BenchOptions): Promise<BenchFigures> {
  const steadiness = new Steadiness();
  const progress = (what: string): void => {
    steadiness.look();
    given.progress(what);
  };
  const options: BenchOptions = { ...given, progress };
  const { seconds, rounds, only, baseline } = options;
  const comparisons: Comparison[] = [];
  let codecs: CodecFigures[] = [];
  if (isWanted(CODEC, only)) {
    progress('codecs');
    codecs = await measureInTurn(options, comparisons);
  }
  let nats: BenchFigures['nats'];
  if (isWanted(NATS, only)) {
    progress('the NATS client alone');
    const samples = await publishAlone(seconds, rounds, BURST);
    nats = {
      messagesPerSecond: median(samples.map(({ messages, ms }) => (messages / ms) * 1000)),
      cpuUsPerMessage: median(samples.map(({ messages, cpuMs }) => (cpuMs / messages) * 1000)),
    };
  }
  let confirmed: BenchFigures['confirmed'];
  let waiting: BenchFigures['waiting'];
  if (isWanted(CONFIRMED, only) || LOAD_CASES.some(({ name }) => isDurable(name, only))) {
    progress(CONFIRMED);
    const samples = await publishAlone(seconds, rounds, 1);
    confirmed = {
      ms: median(samples.map(({ messages, ms }) => ms / messages)),
      cpuUs: median(samples.map(({ messages, cpuMs }) => (cpuMs / messages) * 1000)),
    };
    waiting = await measureWaiting(seconds, rounds);
  }
  const { loads, latencies } = await measureLoads(options, comparisons);
  const fair = await measureFair(options, comparisons);
  const settings = await measureSettings(options, comparisons);
  const usb = await measureUsb(options, comparisons);
  const highRate = await measureHighRate(options, comparisons);
  const start = await measureStart(options, comparisons);
  const outbox = await measureOutbox(options, comparisons);
  const memory = [
    ...[...loads, ...(fair.load === undefined ? [] : [fair.load])].map(({ links, gateway }) => ({
      links,
      mb: gateway.rssMb,
    })),
    ...(settings === undefined ? [] : [{ links: 1, mb: settings.rssMb }]),
  ];
  steadiness.look();
  const steady = steadiness.figures();
  return {
    node: process.version,
    seconds,
    rounds,
    codecs,
    ...(nats === undefined ? {} : { nats }),
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(waiting === undefined ? {} : { waiting }),
    loads,
    latencies,
    fair,
    ...(settings === undefined ? {} : { settings }),
    ...(usb === undefined ? {} : { usb }),
    ...(highRate === undefined ? {} : { highRate }),
    start,
    rssMb: Object.fromEntries(
      STAGES.map((links): [string, number] => [
        String(links),
        Math.max(0, ...memory.filter((each) => each.links === links).map(({ mb }) => mb)),
      ]).filter(([, mb]) => mb > 0),
    ),
    outbox,
    ...(steady === undefined ? {} : { steadiness: steady }),
    ...(baseline === undefined ? {} : { comparisons }),
  };
}
