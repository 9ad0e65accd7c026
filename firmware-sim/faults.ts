/**
 * Faults of a device and of its line, as a text: `flip=1e-4,split=0.5,reboot=60s`.
 * All of them, with their values: {@link FAULT_HELP}.
 */

import { WIRE_MISTAKES, type WireMistake } from './mistakes.js';

/** Faults of one direction of the line. */
export interface LineFaults {
  /** Probability for each byte: one of its bits is inverted. */
  readonly flip: number;
  /** Probability for each byte: it is lost. */
  readonly drop: number;
  /** Probability for each byte: it is received twice. */
  readonly dup: number;
  /** Probability for each write: it and all later bytes are received up to `delayMs` later. */
  readonly delay: number;
  readonly delayMs: number;
  /** Probability for each write: it is received in two pieces. */
  readonly split: number;
  /** Probability for each write: it is received together with the next. */
  readonly merge: number;
}

/** A fault that lasts for some time, again and again. */
export interface Episode {
  /** Average time from the end of one to the start of the next, ms. */
  readonly everyMs: number;
  /** Length, ms. */
  readonly forMs: number;
}

/** All faults of a device. */
export interface FaultPlan {
  /** From the device to the gateway. */
  readonly tx: LineFaults;
  /** From the gateway to the device. */
  readonly rx: LineFaults;
  /** Probability that the device does not send an ack that it should. */
  readonly loseAcks: number;
  /** Probability that the device ignores an ack. */
  readonly rxLoseAcks: number;
  /** ms after the start from which on the line returns what is sent to the device; `undefined`: never. */
  readonly echoAfterMs: number | undefined;
  /** Average time between restarts, ms; `undefined`: none. */
  readonly rebootMs: number | undefined;
  /** Sends noise and valid packets as fast as it can. */
  readonly babble: Episode | undefined;
  /** Neither sends nor receives. */
  readonly silent: Episode | undefined;
  /** Its clock cannot be set, and starts at 1970 at each start. */
  readonly clock1970: boolean;
  /** It acknowledges no block of a file. */
  readonly refuseFiles: boolean;
  /** What its firmware does wrong in all that it sends; `undefined`: nothing. */
  readonly mistake: WireMistake | undefined;
}

const NO_LINE_FAULTS: LineFaults = {
  flip: 0,
  drop: 0,
  dup: 0,
  delay: 0,
  delayMs: 200,
  split: 0,
  merge: 0,
};

/** A good device on a good line. */
export const NO_FAULTS: FaultPlan = {
  tx: NO_LINE_FAULTS,
  rx: NO_LINE_FAULTS,
  loseAcks: 0,
  rxLoseAcks: 0,
  echoAfterMs: undefined,
  rebootMs: undefined,
  babble: undefined,
  silent: undefined,
  clock1970: false,
  refuseFiles: false,
  mistake: undefined,
};

/** A text has an unknown fault, or a wrong value. For people. */
export class FaultSpecError extends Error {
  override readonly name = 'FaultSpecError';
}

type Line = 'tx' | 'rx';
type Setter = (plan: FaultPlan, value: string | undefined) => FaultPlan;

interface Kind {
  readonly takes: string;
  readonly what: string;
  /** `rx-` before the name: for what the device receives. */
  readonly bothWays: boolean;
  readonly set: (line: Line) => Setter;
}

const lineFault =
  (name: 'flip' | 'drop' | 'dup' | 'split' | 'merge') =>
  (line: Line): Setter =>
  (plan, value) => ({ ...plan, [line]: { ...plan[line], [name]: probability(value) } });

const episode =
  (name: 'babble' | 'silent', defaultForMs: number) =>
  (): Setter =>
  (plan, value = '') => {
    const [every, lasts, ...more] = value.split('/');
    if (more.length > 0) throw new FaultSpecError('takes at most one "/"');
    const forMs = lasts === undefined ? defaultForMs : duration(lasts);
    return { ...plan, [name]: { everyMs: duration(every), forMs } };
  };

const PROBABILITY = 'a probability from 0 to 1, such as 1e-4 or 0.3';
const DURATION = 'a time such as 500ms, 60s, 5m or 1h';

const KINDS = new Map<string, Kind>(
  Object.entries({
    flip: {
      takes: PROBABILITY,
      what: 'a bit of a byte is turned',
      bothWays: true,
      set: lineFault('flip'),
    },
    drop: { takes: PROBABILITY, what: 'a byte is lost', bothWays: true, set: lineFault('drop') },
    dup: { takes: PROBABILITY, what: 'a byte comes twice', bothWays: true, set: lineFault('dup') },
    delay: {
      takes: `${PROBABILITY}, and "/" and the longest delay if not 200ms`,
      what: 'a write, and all after it, comes late',
      bothWays: true,
      set:
        (line) =>
        (plan, value = '') => {
          const [chance, longest, ...more] = value.split('/');
          if (more.length > 0) throw new FaultSpecError('takes at most one "/"');
          const delayMs = longest === undefined ? NO_LINE_FAULTS.delayMs : duration(longest);
          return { ...plan, [line]: { ...plan[line], delay: probability(chance), delayMs } };
        },
    },
    split: {
      takes: PROBABILITY,
      what: 'a write comes in two pieces',
      bothWays: true,
      set: lineFault('split'),
    },
    merge: {
      takes: PROBABILITY,
      what: 'a write comes together with the next',
      bothWays: true,
      set: lineFault('merge'),
    },
    'lose-acks': {
      takes: PROBABILITY,
      what: 'an ack is not sent (rx: not seen)',
      bothWays: true,
      set: (line) => (plan, value) => ({
        ...plan,
        [line === 'tx' ? 'loseAcks' : 'rxLoseAcks']: probability(value),
      }),
    },
    echo: {
      takes: `nothing, or ${DURATION} after which it begins`,
      what: 'the line returns what is sent to the device',
      bothWays: false,
      set: () => (plan, value) => ({
        ...plan,
        echoAfterMs: value === undefined ? 0 : duration(value),
      }),
    },
    reboot: {
      takes: DURATION,
      what: 'restarts by itself, on average so often',
      bothWays: false,
      set: () => (plan, value) => ({ ...plan, rebootMs: duration(value) }),
    },
    babble: {
      takes: `${DURATION}, and "/" and how long if not 1s`,
      what: 'noise and valid packets as fast as it can, on average so often',
      bothWays: false,
      set: episode('babble', 1000),
    },
    silent: {
      takes: `${DURATION}, and "/" and how long if not 5s`,
      what: 'neither sends nor hears, on average so often',
      bothWays: false,
      set: episode('silent', 5000),
    },
    clock1970: {
      takes: 'nothing',
      what: 'its clock cannot be set and starts at 1970',
      bothWays: false,
      set: () => (plan, value) => {
        nothing(value);
        return { ...plan, clock1970: true };
      },
    },
    'refuse-files': {
      takes: 'nothing',
      what: 'acknowledges no block of a file',
      bothWays: false,
      set: () => (plan, value) => {
        nothing(value);
        return { ...plan, refuseFiles: true };
      },
    },
    ...Object.fromEntries(WIRE_MISTAKES.map(([name, what]) => [name, mistakeKind(name, what)])),
  } satisfies Record<string, Kind>),
);

/** One at a time. */
function mistakeKind(name: WireMistake, what: string): Kind {
  const set = (plan: FaultPlan, value: string | undefined): FaultPlan => {
    nothing(value);
    return { ...plan, mistake: name };
  };
  return { takes: 'nothing', what, bothWays: false, set: () => set };
}

function nothing(value: string | undefined): void {
  if (value !== undefined) throw new FaultSpecError('takes nothing');
}

const NAMES = [...KINDS].flatMap(([name, kind]) => (kind.bothWays ? [name, `rx-${name}`] : [name]));

/** All faults, each in a line, for people. */
export const FAULT_HELP: string = [...KINDS]
  .map(([name, kind]) => {
    const names = kind.bothWays ? `${name}, rx-${name}` : name;
    return `${names.padEnd(24)}${kind.what}; takes ${kind.takes}`;
  })
  .join('\n');

/** A plan from `NAME=VALUE,…`; blank: no faults. Throws {@link FaultSpecError}. */
export function parseFaults(spec: string): FaultPlan {
  let plan = NO_FAULTS;
  for (const part of spec.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part) ?? [];
    const line: Line = name.startsWith('rx-') ? 'rx' : 'tx';
    const kind = KINDS.get(line === 'rx' ? name.slice('rx-'.length) : name);
    if (kind === undefined || (line === 'rx' && !kind.bothWays)) {
      throw new FaultSpecError(`--faults: "${part}" is not known; there are ${NAMES.join(', ')}`);
    }
    try {
      plan = kind.set(line)(plan, value);
    } catch (error) {
      if (!(error instanceof FaultSpecError)) throw error;
      throw new FaultSpecError(`--faults: "${part}" is wrong: ${name} takes ${kind.takes}`, {
        cause: error,
      });
    }
  }
  return plan;
}

function probability(text = ''): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new FaultSpecError('is no probability');
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** Longest time, a day. */
const LONGEST_MS = 86_400_000;

function duration(text = ''): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  const ms = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ''] ?? Number.NaN);
  if (!(ms >= 1 && ms <= LONGEST_MS)) throw new FaultSpecError('is no time');
  return ms;
}
