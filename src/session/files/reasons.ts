/** Why a file does not go on, for people. */
import type { TransferLife } from './transfer.js';

/** A block that was sent more often is told as one that the device does not acknowledge. */
const MANY_TRIES = 10;

/** Nothing was heard of the device for so long. */
export const whyGone = (giveUpMs: number): string =>
  `nothing was heard of the device for ${secondsText(giveUpMs)}`;

/** A device that talks has not acknowledged this block for so long. `blocks`: of the file, its end not counted. */
export function whyStalled(block: number, blocks: number, giveUpMs: number): string {
  const [which, hint] = stalled(block, blocks);
  return `the device talks, and has not acknowledged ${which} for ${secondsText(giveUpMs)}: ${hint}`;
}

function stalled(block: number, blocks: number): readonly [which: string, hint: string] {
  if (block === 0) {
    return ['the first packet of the file', 'it refuses the file, or its firmware takes none'];
  }
  if (block === blocks) return ['the end of the file', 'it may have taken the file'];
  const which = `block ${String(block)} of ${String(blocks)}`;
  return [which, 'it may have no room for more, or has forgotten the file'];
}

/** Why nothing moves now; `undefined`: it moves. `tries`: transmissions of the present block. */
export function whyWaiting(life: TransferLife, blocks: number, tries: number): string | undefined {
  if (life.name === 'waiting') return 'it begins when the device is there';
  if (life.name !== 'sending' || tries <= MANY_TRIES) return undefined;
  const which = life.block === blocks ? 'the end' : `block ${String(life.block)}`;
  return `${which} was sent ${String(tries)} times, and the device has not acknowledged it`;
}

const secondsText = (ms: number): string => `${String(ms / 1_000)} s`;
