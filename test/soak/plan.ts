/**
 * What will happen in a soak, drawn from the seed before it begins, so that it
 * can be read, and happens again with the same seed.
 */
import type { Protocol } from '../../firmware-sim/codec.js';
import type { McuTimes } from '../../firmware-sim/mcu.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import { VERSIONS, type Version } from '../siot-store/dialect.js';

export interface DevicePlan {
  readonly name: string;
  readonly protocol: Protocol;
  readonly line: 'pty' | 'tcp';
  readonly times: McuTimes;
  /** Whether it acknowledges what it is sent. */
  readonly acknowledges: boolean;
  /** Between two packets; a small one is a backlog when the bus is away. */
  readonly everyMs: number;
  readonly faults: string;
}

export type PlannedEvent =
  | { readonly kind: 'reboot'; readonly device: string }
  | { readonly kind: 'replug'; readonly device: string; readonly forMs: number }
  | { readonly kind: 'silence'; readonly device: string; readonly forMs: number }
  | { readonly kind: 'bus'; readonly forMs: number }
  | { readonly kind: 'store'; readonly forMs: number }
  | { readonly kind: 'owner'; readonly device: string }
  | { readonly kind: 'flood'; readonly device: string }
  | { readonly kind: 'kill'; readonly forMs: number };

export interface Plan {
  readonly seed: number;
  readonly durationMs: number;
  readonly version: Version;
  readonly devices: readonly DevicePlan[];
  readonly events: readonly { readonly atMs: number; readonly event: PlannedEvent }[];
}

/** A bit in 10,000 is turned: of each byte, one of its eight. Other bytes are lost, or come twice. */
const LINE = 'flip=8e-4,drop=1e-4,dup=1e-4,split=0.05,merge=0.05,delay=0.01/100ms,lose-acks=0.02';
const BOTH_WAYS = LINE.split(',')
  .flatMap((fault) => [fault, `rx-${fault}`])
  .join(',');

/** Its line returns what is sent to it, as an RS-485 adapter does that hears itself. */
const ECHO = 'echo';

const KINDS = ['pty', 'tcp'] as const;
const PROTOCOLS = ['protobuf', 'compact'] as const;

/** On average, after a calm beginning. */
const EVENT_EVERY_MS = 1_500;
const CALM_MS = 3_000;
/** Of the whole time. */
const LAST_KILL = 0.7;

export function drawPlan(seed: number, durationMs: number): Plan {
  const random = new SeededRandom(seed);
  const devices = drawDevices(random.fork('devices'), durationMs);
  return {
    seed,
    durationMs,
    version: VERSIONS[seed % VERSIONS.length] ?? '0.25.0',
    devices,
    events: drawEvents(random.fork('events'), durationMs, devices),
  };
}

/** Each way to tell the time, and each odd device, on a line and with a codec that chance gives it. */
function drawDevices(random: SeededRandom, durationMs: number): DevicePlan[] {
  const device = (name: string, given: Partial<DevicePlan>): DevicePlan => ({
    name,
    protocol: PROTOCOLS[random.below(2)] ?? 'compact',
    line: KINDS[random.below(2)] ?? 'pty',
    times: 'synced',
    acknowledges: true,
    // Each packet has a point of its own, and a link takes so many.
    everyMs: Math.max(250, durationMs / 2_500),
    faults: BOTH_WAYS,
    ...given,
  });
  return [
    device('synced', { line: 'pty', protocol: 'compact' }),
    device('dateless', { times: 'zero', protocol: 'protobuf' }),
    device('since-start', { times: 'sinceStart', line: 'tcp' }),
    device('silent', { acknowledges: false }),
    device('hasty', { everyMs: 15, times: 'zero' }),
    device('echoed', { faults: `${BOTH_WAYS},${ECHO}` }),
  ];
}

function drawEvents(
  random: SeededRandom,
  durationMs: number,
  devices: readonly DevicePlan[],
): Plan['events'] {
  const events: Plan['events'][number][] = [];
  for (let atMs = CALM_MS; ;) {
    atMs += random.waitMs(EVENT_EVERY_MS);
    if (atMs >= durationMs) return events;
    const event = drawEvent(random, devices);
    // The last life is long enough to see whether memory stays level.
    if (event.kind !== 'kill' || atMs < durationMs * LAST_KILL) events.push({ atMs, event });
  }
}

function drawEvent(random: SeededRandom, devices: readonly DevicePlan[]): PlannedEvent {
  const device = devices[random.below(devices.length)]?.name ?? '';
  const forMs = 100 + random.below(2_000);
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return { kind: 'reboot', device };
    case 3:
    case 4:
      return { kind: 'replug', device, forMs };
    case 5:
      return { kind: 'silence', device, forMs };
    case 6:
      return { kind: 'bus', forMs };
    case 7:
      return { kind: 'store', forMs };
    case 8:
      return { kind: 'owner', device };
    case 9:
      return { kind: 'flood', device };
    default:
      return { kind: 'kill', forMs };
  }
}

/** For people. */
export function describePlan(plan: Plan): string[] {
  const { seed, durationMs, version, devices, events } = plan;
  return [
    `seed ${seed}, ${durationMs / 1000} s, SIOT ${version}`,
    ...devices.map(
      ({ name, protocol, line, times, acknowledges, everyMs, faults }) =>
        `device ${name}: ${protocol} on ${line}, times ${times}, a packet every ${everyMs} ms` +
        (acknowledges ? '' : ', acknowledges nothing') +
        (faults.endsWith(ECHO) ? ', on a line that echoes' : ''),
    ),
    `lines: ${LINE}, both ways`,
    ...events.map(({ atMs, event }) => `${seconds(atMs)} ${describeEvent(event)}`),
  ];
}

export function describeEvent(event: PlannedEvent): string {
  switch (event.kind) {
    case 'reboot':
      return `${event.device} restarts`;
    case 'replug':
      return `${event.device} is unplugged for ${event.forMs} ms`;
    case 'silence':
      return `${event.device} neither sends nor hears for ${event.forMs} ms`;
    case 'bus':
      return `nats-server is killed, and back after ${event.forMs} ms`;
    case 'store':
      return `the store is away for ${event.forMs} ms`;
    case 'owner':
      return `somebody writes on the node of ${event.device} as its owner`;
    case 'flood':
      return `somebody floods the node of ${event.device} with long settings`;
    case 'kill':
      return `the gateway is killed, and back after ${event.forMs} ms`;
  }
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(3).padStart(8)} s`;
