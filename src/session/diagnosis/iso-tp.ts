/** What can be said of CAN frames of which no packet was made. */
import type { FrameDiscard } from '../../framing/framing.js';
import type { Finding } from './diagnosis.js';

/** Fewer frames are an accident. */
const ENOUGH_FRAMES = 3;

/** By the cause for which most was thrown away. */
const WHAT: Readonly<Partial<Record<FrameDiscard, string>>> = {
  isoTpFrame: 'CAN frames that are no ISO-TP',
  isoTpSequence: 'ISO-TP packets of which frames are missing or come twice',
  isoTpUnexpected:
    'ISO-TP frames that are not due, or packets that are begun anew before their end',
  isoTpTimeout: 'ISO-TP packets that begin and are not completed',
  isoTpOverflow: 'answers of the device that it has no room for packets',
};
const NOTHING_BROKEN =
  'CAN frames that make no packet: parts of packets, flow control, or another address than rxAddress';

/** `frames`: so many have come, and no packet; `discards`: how often something was thrown away meanwhile. Pure. */
export function isoTpFinding(
  frames: number,
  discards: ReadonlyMap<FrameDiscard, number>,
  maxFrameLength: number,
): Finding {
  const { cause, what } = mistakeIn(discards, maxFrameLength);
  if (frames >= ENOUGH_FRAMES) return { cause, what, conclusive: true };
  return { cause: 'unclear', what: `too little to tell, perhaps ${what}`, conclusive: false };
}

function mistakeIn(
  discards: ReadonlyMap<FrameDiscard, number>,
  maxFrameLength: number,
): Pick<Finding, 'cause' | 'what'> {
  const [most] = [...discards].sort(([, a], [, b]) => b - a);
  if (most?.[0] === 'oversize') {
    const what = `ISO-TP packets of more than ${String(maxFrameLength)} bytes`;
    return { cause: 'tooLong', what };
  }
  const what = (most && WHAT[most[0]]) ?? NOTHING_BROKEN;
  return { cause: 'isoTp', what };
}
