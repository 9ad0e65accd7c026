import { readFileSync } from 'node:fs';
import { CAN_IDS, CanPipe, IsoTpPipe, type CanPort, type CanSettings } from './can.js';
import { machineClock, type SimClock } from './clock.js';
import type { Protocol } from './codec.js';
import { SimulatedDevice, type DeviceOptions } from './device.js';
import { FaultSpecError, parseFaults, type FaultPlan } from './faults.js';
import type { FirmwareEvents } from './firmware.js';
import type { BytePipe } from './pipe.js';
import { showValue } from './points.js';
import { parseProfile, ProfileError, type Profile } from './profile.js';
import { PtyPipe } from './pty.js';
import { PUMP_CONTROLLER_YAML } from './pump-controller.js';
import { SerialPipe } from './serial.js';
import { ShellDevice, type ShellDeviceOptions } from './shell/device.js';
import { reasonOf } from './system-error.js';
import { parseTcpAddress, TcpAddressError, TcpPipe } from './tcp.js';

/** Options of `siot-mcu sim`; exactly one of `pty`, `tcp`, `serial` and `can`. */
export interface SimulatorOptions {
  /** Path of the link to the PTY. */
  readonly pty?: string | undefined;
  /** `HOST:PORT` to listen on; port 0 for a free one. */
  readonly tcp?: string | undefined;
  /** An existing serial port: the device's end of a line. */
  readonly serial?: string | undefined;
  /** A CAN interface. */
  readonly can?: string | undefined;
  /** Identifier that the device sends with; default: 0x124. */
  readonly txId?: number | undefined;
  /** Identifier that it receives; default: 0x123. */
  readonly rxId?: number | undefined;
  /** Both identifiers have 29 bits, also below 0x800. */
  readonly extendedIds?: boolean | undefined;
  /** Frames of CAN FD. */
  readonly fd?: boolean | undefined;
  /** Packets over CAN; default: `cobs`. */
  readonly framing?: 'cobs' | 'isotp' | undefined;
  /** Payload codec of its packets, or the console of Zephyr's shell. */
  readonly protocol: Protocol | 'shell';
  /** With `shell`: a report of what was set has the time of the command, which today's firmware ignores. */
  readonly carryTimes?: boolean | undefined;
  /** A YAML file; default: the built-in pump controller. */
  readonly profile?: string | undefined;
  /** See {@link parseFaults}. */
  readonly faults?: string | undefined;
  /** 0 … 2³² − 1; default: from the clock. */
  readonly seed?: number | undefined;
  /** Only writes the built-in profile to stdout. */
  readonly printProfile?: boolean | undefined;
}

/** What the simulator uses of its process. */
export interface SimulatorIo {
  /** Writes a line to stdout: the path or address, when it can be opened. */
  out(line: string): void;
  /** Writes a line to stderr: what the device does. */
  err(line: string): void;
  /** Ends the simulator. */
  readonly signal: AbortSignal;
  /** Opens a CAN interface; rejects with an error for people. Absent: there is no CAN. */
  readonly openCan?: (settings: CanSettings) => Promise<CanPort>;
  readonly clock?: SimClock;
}

/** The options contradict each other, or one is missing. For people. */
export class SimulatorUsageError extends Error {
  override readonly name = 'SimulatorUsageError';
}

/** Whether an error is in the command line or the profile (exit status 2), not of the system (1). */
export const isUsageError = (error: unknown): boolean =>
  error instanceof SimulatorUsageError ||
  error instanceof FaultSpecError ||
  error instanceof ProfileError ||
  error instanceof TcpAddressError;

/** Least time between two lines about bad frames, ms; all are counted. */
const PROBLEMS_EVERY_MS = 5000;
const HIGHEST_SEED = 0xffff_ffff;

/**
 * Runs a simulated device until the signal. Rejects with an error for people: see
 * {@link isUsageError}, PtyError, SerialError and TcpError.
 */
export async function runSimulator(options: SimulatorOptions, io: SimulatorIo): Promise<void> {
  if (options.printProfile === true) {
    io.out(PUMP_CONTROLLER_YAML.trimEnd());
    return;
  }
  const clock = io.clock ?? machineClock;
  const seed = options.seed ?? Number(BigInt.asUintN(32, clock.wallNs() / 1000n));
  if (!Number.isInteger(seed) || seed < 0 || seed > HIGHEST_SEED) {
    throw new SimulatorUsageError(`--seed takes a whole number from 0 to ${String(HIGHEST_SEED)}`);
  }
  const profile = readProfile(options.profile);
  const faults = parseFaults(options.faults ?? '');
  checkShell(options, faults);
  const place = placeOf(options, io, clock);
  if (io.signal.aborted) return;

  const say: Say = (line) => {
    io.err(line);
  };
  say(
    `simulated MCU "${profile.description ?? options.profile ?? 'without a name'}", ` +
      `protocol ${options.protocol}, seed ${String(seed)}, faults ${options.faults ?? 'none'}`,
  );
  const { pipe, where, known } = await place();
  try {
    const parts = { clock, profile, faults, seed, notice: say, events: tellFirmware(say) };
    const { protocol } = options;
    const [device, summary] =
      protocol === 'shell'
        ? shellDevice(pipe, { ...parts, times: options.carryTimes ? 'synced' : 'zero' }, say)
        : packetDevice(pipe, { ...parts, protocol, transcriptLimit: 100 }, say);
    say(where);
    io.out(known);
    device.start();
    await aborted(io.signal);
    await device.close();
    say(summary());
  } finally {
    await pipe.close();
  }
}

type Say = (line: string) => void;
/** With what makes its last line. */
type Told<Device> = readonly [Device, () => string];

function packetDevice(pipe: BytePipe, options: DeviceOptions, say: Say): Told<SimulatedDevice> {
  const device = new SimulatedDevice(pipe, {
    ...options,
    fileEnded: ({ name, bytes, sha256 }) => {
      say(`file ${name}: ${String(bytes.length)} bytes, SHA-256 ${sha256}`);
    },
  });
  return [device, tellDevice(device, options.clock, say)];
}

function shellDevice(pipe: BytePipe, options: ShellDeviceOptions, say: Say): Told<ShellDevice> {
  const device = new ShellDevice(pipe, options);
  const { mcu, line } = device;
  let starts = 0;
  tellPeer(line, say);
  mcu.observe({
    started: () => {
      starts += 1;
      if (starts > 1) say('restarted');
    },
  });
  const summary = (): string =>
    `ended: ${String(mcu.received)} commands received, ${String(starts - 1)} restarts; ` +
    `bytes sent: ${counts(line.damage.tx)}; bytes received: ${counts(line.damage.rx)}`;
  return [device, summary];
}

/** What goes with packets does not go with a console. */
function checkShell({ protocol, carryTimes, can }: SimulatorOptions, faults: FaultPlan): void {
  if (protocol !== 'shell') {
    if (carryTimes === true) throw new SimulatorUsageError('--carry-times needs --protocol shell');
    return;
  }
  if (can !== undefined) throw new SimulatorUsageError('--can: a console has no CAN; take another');
  const { mistake, refuseFiles, loseAcks, rxLoseAcks } = faults;
  if (mistake !== undefined || refuseFiles || loseAcks > 0 || rxLoseAcks > 0) {
    const what = mistake ?? (refuseFiles ? 'refuse-files' : 'lost acks');
    throw new SimulatorUsageError(`--faults: ${what} is a fault of packets, and not of a console`);
  }
}

interface Place {
  readonly pipe: BytePipe;
  /** For people. */
  readonly where: string;
  /** For programs. */
  readonly known: string;
}

/** Checks the options before anything is opened. Returns what opens the line. */
function placeOf(
  options: SimulatorOptions,
  io: SimulatorIo,
  clock: SimClock,
): () => Promise<Place> {
  const { pty, tcp, serial, can } = options;
  if ([pty, tcp, serial, can].filter((line) => line !== undefined).length !== 1) {
    throw new SimulatorUsageError(
      'give one of --pty LINKPATH, --tcp HOST:PORT, --serial PATH and --can IFACE',
    );
  }
  if (can !== undefined) return canPlace(can, options, io, clock);
  if (pty !== undefined) {
    return async () => {
      const pipe = await PtyPipe.open({ linkPath: pty });
      return { pipe, where: `serial port ${pty}, which is ${pipe.path}`, known: pty };
    };
  }
  if (serial !== undefined) {
    return async () => {
      const pipe = await SerialPipe.open({ path: serial });
      return { pipe, where: `the device's end of ${serial}`, known: serial };
    };
  }
  const address = parseTcpAddress(tcp ?? '');
  return async () => {
    const pipe = await TcpPipe.open(address);
    const { host, port } = pipe.address;
    const known = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
    return { pipe, where: `listening on ${known}`, known };
  };
}

function canPlace(
  name: string,
  {
    txId = CAN_IDS.txId,
    rxId = CAN_IDS.rxId,
    extendedIds = false,
    fd = false,
    framing,
  }: SimulatorOptions,
  io: SimulatorIo,
  clock: SimClock,
): () => Promise<Place> {
  const { openCan } = io;
  if (openCan === undefined) throw new SimulatorUsageError('--can: there is no CAN here');
  if (txId === rxId) {
    throw new SimulatorUsageError('--tx-id and --rx-id must differ: there is one for each way');
  }
  return async () => {
    const port = await openCan({ interface: name, txId, rxId, extendedIds, fd });
    const pipe = framing === 'isotp' ? new IsoTpPipe(port, clock) : new CanPipe(port);
    const ids = `sends ${txId.toString(16)}, receives ${rxId.toString(16)}`;
    return { pipe, where: `on ${name}, ${ids}, ${framing ?? 'cobs'}`, known: name };
  };
}

function readProfile(file: string | undefined): Profile {
  if (file === undefined) return parseProfile(PUMP_CONTROLLER_YAML, 'built-in profile');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const problem = { line: 1, column: 1, path: '', message: `cannot be read: ${reasonOf(error)}` };
    throw new ProfileError(file, [problem], { cause: error });
  }
  return parseProfile(text, file);
}

function tellFirmware(say: Say): FirmwareEvents {
  const name = (type: string, key: string): string => (key === '' ? type : `${type}/${key}`);
  return {
    setting: (type, key, asked, applied) => {
      const [wanted, taken] = [showValue(asked), showValue(applied)];
      const limited = wanted === taken ? '' : ` (asked for ${wanted})`;
      say(`setting ${name(type, key)} = ${taken}${limited}`);
    },
    command: (type, action) => {
      say(`command ${type}${action === 'none' ? '' : `: ${action}`}`);
    },
    removed: (type, key) => {
      say(`setting ${name(type, key)} was removed; its value stays in force`);
    },
  };
}

function tellPeer(
  line: Pick<BytePipe, 'onPeer'>,
  say: Say,
  then: (present: boolean) => void = () => undefined,
): void {
  line.onPeer = (is) => {
    then(is);
    say(is ? 'somebody has opened the line' : 'the line is closed');
  };
}

/** Returns what makes the last line, with all counts. */
function tellDevice(device: SimulatedDevice, clock: SimClock, say: Say): () => string {
  const { mcu, line } = device;
  let received = 0;
  let sent = 0;
  let starts = 0;
  let present = false;
  let acknowledged = true;
  let problemsToldMs = Number.NEGATIVE_INFINITY;
  tellPeer(line, say, (is) => {
    present = is;
  });
  mcu.observe({
    started: () => {
      starts += 1;
      if (starts > 1) say('restarted');
    },
    received: () => {
      received += 1;
    },
    sent: () => {
      sent += 1;
    },
    clockSet: (timeNs) => {
      say(`clock set to ${new Date(Number(timeNs / 1_000_000n)).toISOString()}`);
    },
    problem: (problem) => {
      if (clock.monotonicMs() - problemsToldMs < PROBLEMS_EVERY_MS) return;
      problemsToldMs = clock.monotonicMs();
      say(`bad frame: ${problem} (so far ${counts(mcu.problems)})`);
    },
    ended: ({ outcome, transmissions }) => {
      if (outcome === 'acknowledged' && !acknowledged) say('points are acknowledged again');
      if (outcome === 'unacknowledged' && acknowledged && present) {
        say(`points are not acknowledged, after ${String(transmissions)} transmissions`);
      }
      if (outcome === 'acknowledged') acknowledged = true;
      if (outcome === 'unacknowledged' && present) acknowledged = false;
    },
  });
  return () =>
    `ended: ${String(sent)} packets sent, ${String(received)} received, ` +
    `${String(starts - 1)} restarts, bad frames: ${counts(mcu.problems, 'none')}; ` +
    `bytes sent: ${counts(line.damage.tx)}; bytes received: ${counts(line.damage.rx)}`;
}

/** The counts that are not 0, as text. */
function counts(all: object, none = 'untouched'): string {
  const some = Object.entries(all as Readonly<Record<string, number>>).filter(
    ([, count]) => count > 0,
  );
  return some.map(([name, count]) => `${String(count)} ${name}`).join(', ') || none;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
