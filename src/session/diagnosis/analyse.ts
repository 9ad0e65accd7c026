/**
 * Finds out by a sample of bytes why a device does not talk. Pure.
 *
 * Evidence, in this order:
 *
 * | found                                         | is said for certain if                     |
 * | --------------------------------------------- | ------------------------------------------ |
 * | the same mistake in several frames            | 2 frames, and 3 of 5 of all that came      |
 * | text, JSON, NMEA, a shell                     | 8 bytes, hardly a control character        |
 * | packets without COBS or zeros, SLIP, Modbus … | 2 packets with a right CRC, or 2 payloads  |
 * | few changes between bits: a slower device     | 24 bytes                                   |
 * | frames too short, too long, no COBS           | 3 frames, and 4 of 5                       |
 * | packets that are damaged                      | 3 frames                                   |
 *
 * A packet that noise has damaged fits one of some forty CRC variants by chance once in
 * 800 times; two that fit the same one, where no good packet has come, hardly ever.
 * `crcWrong` needs more, since noise in a value or a CRC leaves the form intact.
 */
import { FRAMINGS } from '../../framing/framings.js';
import type { PayloadCodecName } from '../../packet/payload.js';
import { slowerRate } from './bits.js';
import type { DiagnosisCause, Finding, Listener } from './diagnosis.js';
import { verdictsOf, type FrameVerdict, type GoodFrame, type Mistake } from './frame-verdict.js';
import { streamFinding } from './streams.js';
import { textFinding } from './text.js';

/** What is known of the line besides its bytes. */
export interface Expected {
  /** Longest frame, bytes. */
  readonly maxFrameLength: number;
  /** `protocol` of the link. */
  readonly codec: 'auto' | PayloadCodecName;
  /** The line returns what is sent on it. */
  readonly echoes: boolean;
  readonly listener: Listener;
}

const ENOUGH_FRAMES = 2;
const SHARE = 0.6;
/** For what also noise makes of packets. */
const ENOUGH_BROKEN = 3;
const BROKEN_SHARE = 0.8;
/** Frames of the right form, whose CRC is wrong, that are no noise. */
const ENOUGH_WRONG_CRCS = 4;
/** From so many on, some others may be among them. */
const MANY_WRONG_CRCS = 8;
/** Fewer bytes are an accident: a plug, a reset. */
const LEAST_BYTES = 4;
/** With so many bytes there would be a zero in nearly any binary stream. */
const MANY_BYTES = 2_048;

/** Why no packet is in these bytes, the oldest first. `undefined`: they say nothing, or there are packets. */
export function analyse(bytes: Uint8Array, expected: Expected): Finding | undefined {
  if (bytes.length < LEAST_BYTES) return undefined;
  const frames = framesOf(bytes, expected.maxFrameLength);
  const mistake = mostCommon(frames);
  const good = frames.verdicts.filter((one) => one.kind === 'good');
  // Acks may be right where points are wrong.
  const isWithPoints = good.some(({ codec }) => codec !== undefined);
  if (good.length > 0 && (isWithPoints || mistake === undefined || !HAS_CRC.has(mistake.cause))) {
    return notTaken(good, expected);
  }
  const isOfFirmware = mistake !== undefined && !FROM_NOISE.has(mistake.cause);
  if (mistake?.conclusive === true && isOfFirmware) return mistake;
  const packets = damagedPackets(bytes, frames);
  const found = textFinding(bytes) ?? (packets > 0 ? undefined : streamFinding(bytes));
  if (found?.conclusive === true) return found;
  if (mistake?.conclusive === true) return mistake;
  const slower = expected.listener === 'can' ? undefined : slowerRate(bytes);
  if (packets === 0 && slower !== undefined) {
    return { cause: 'baudRate', what: slower, conclusive: true };
  }
  const broken = brokenFrames(bytes, frames, packets, expected);
  if (broken !== undefined) return broken;
  // One frame alone is told as what it looks like, and not as the cause.
  const what = (isOfFirmware ? mistake.what : undefined) ?? found?.what;
  const unclear =
    what === undefined ? 'bytes that are no packets' : `too little to tell, perhaps ${what}`;
  return { cause: 'unclear', what: `${unclear} (${hexOf(bytes)})`, conclusive: false };
}

/** Mistakes of packets whose CRC is right. */
const HAS_CRC: ReadonlySet<DiagnosisCause> = new Set<DiagnosisCause>([
  'payload',
  'subjectLength',
  'oldArduino',
]);

/** Mistakes that also a packet has which noise has cut. */
const FROM_NOISE: ReadonlySet<DiagnosisCause> = new Set<DiagnosisCause>(['tooShort']);

/** The last bytes, in hex. */
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes.slice(-16)).toString('hex');

interface Frames {
  /** Of each frame that COBS decodes. */
  readonly verdicts: readonly FrameVerdict[];
  /** The frames, each with all that may be wrong with it. */
  readonly each: readonly (readonly FrameVerdict[])[];
  readonly malformed: number;
  readonly oversize: number;
}

/** Frames that are looked at: the last ones. */
const MOST_FRAMES = 24;

/** All frames between two zeros. What is before the first zero began before it was heard. */
function framesOf(bytes: Uint8Array, maxFrameLength: number): Frames {
  const whole: Uint8Array[] = [];
  let malformed = 0;
  let oversize = 0;
  const deframer = FRAMINGS.cobs.createDeframer(
    {
      frame: (frame) => void whole.push(Uint8Array.from(frame)),
      discard: (cause) => {
        if (cause === 'oversize') oversize += 1;
        else malformed += 1;
      },
    },
    maxFrameLength,
  );
  const first = bytes.indexOf(0);
  if (first >= 0) deframer.push(bytes.subarray(first));
  const each = whole.slice(-MOST_FRAMES).map(verdictsOf);
  const verdicts = each.flatMap(([likeliest]) => likeliest ?? []);
  return { verdicts, each, malformed, oversize };
}

/** Good packets have come, and the session has taken none of them. */
function notTaken(good: readonly GoodFrame[], { codec, echoes }: Expected): Finding | undefined {
  if (echoes) {
    return { cause: 'echo', what: 'only what the gateway sends comes back', conclusive: true };
  }
  const other = good.find((one) => one.codec !== undefined && one.codec !== codec)?.codec;
  if (codec === 'auto' || other === undefined) return undefined;
  return {
    cause: 'otherCodec',
    what: `packets with ${other} points, where protocol is ${codec}`,
    conclusive: good.length >= ENOUGH_FRAMES,
  };
}

/** The mistake that most frames have in common. */
function mostCommon({ each, malformed, oversize }: Frames): Finding | undefined {
  interface Count {
    count: number;
    readonly mistake: Mistake;
  }
  const counts = new Map<string, Count>();
  for (const verdicts of each) {
    for (const mistake of verdicts) {
      if (mistake.kind !== 'mistake') continue;
      const id = `${mistake.cause} ${mistake.what}`;
      const count = counts.get(id);
      if (count === undefined) counts.set(id, { count: 1, mistake });
      else count.count += 1;
    }
  }
  let most: Count | undefined;
  for (const one of counts.values()) if (most === undefined || one.count > most.count) most = one;
  if (most === undefined) return undefined;
  const { count, mistake } = most;
  const all = each.length + malformed + oversize;
  const { frames, share } = enoughOf(mistake.cause, count);
  const sample = mistake.sample === undefined ? '' : ` (${mistake.sample})`;
  return {
    cause: mistake.cause,
    what: `${mistake.what}${sample}`,
    conclusive: count >= frames && count >= share * all,
  };
}

/** Of how many frames, and of which part of all, a mistake must be to be the firmware's; `count` frames have it. */
function enoughOf(cause: DiagnosisCause, count: number): { frames: number; share: number } {
  if (cause === 'crcWrong') {
    // A line that damages each packet leaves now and then some in a row in their form.
    const share = count < MANY_WRONG_CRCS ? 1 : BROKEN_SHARE;
    return { frames: ENOUGH_WRONG_CRCS, share };
  }
  if (FROM_NOISE.has(cause)) return { frames: ENOUGH_BROKEN, share: BROKEN_SHARE };
  return { frames: ENOUGH_FRAMES, share: SHARE };
}

/** Frames that are recognised as packets, and are damaged. */
const damagedPackets = (bytes: Uint8Array, { each, malformed }: Frames): number =>
  each.filter(([one]) => one?.kind === 'damaged' || isCrc(one)).length + paddings(bytes, malformed);

/** What can be said of frames in which no packet is recognised, or damaged ones. */
function brokenFrames(
  bytes: Uint8Array,
  frames: Frames,
  packets: number,
  { maxFrameLength }: Expected,
): Finding | undefined {
  const { each, malformed, oversize } = frames;
  const all = each.length + malformed + oversize;
  if (packets > 0) {
    return {
      cause: 'damaged',
      what: `${String(all)} frames, of which at least ${String(packets)} are damaged packets`,
      conclusive: all >= ENOUGH_BROKEN,
    };
  }
  const most = String(maxFrameLength);
  if (oversize > 0 && oversize >= BROKEN_SHARE * all) {
    return {
      cause: 'tooLong',
      what: `frames of more than ${most} bytes`,
      conclusive: oversize >= ENOUGH_FRAMES,
    };
  }
  if (malformed >= ENOUGH_BROKEN && malformed >= BROKEN_SHARE * all) {
    return { cause: 'malformed', what: 'zero bytes with no COBS between them', conclusive: true };
  }
  if (bytes.length >= MANY_BYTES && !bytes.includes(0)) {
    return {
      cause: 'noZero',
      what: `${String(bytes.length)} bytes and no zero byte among them`,
      conclusive: true,
    };
  }
  return undefined;
}

/** Pieces that are no COBS, and have the padding of a subject: at least 8 zeros. At most `most`. */
function paddings(bytes: Uint8Array, most: number): number {
  let count = 0;
  let run = 0;
  for (const byte of bytes) {
    run = byte === 1 ? run + 1 : 0;
    if (run === 8) count++;
  }
  return Math.min(count, most);
}

const isCrc = (verdict: FrameVerdict | undefined): boolean =>
  verdict?.kind === 'mistake' && verdict.cause === 'crcWrong';
