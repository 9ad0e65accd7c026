/**
 * The life of a file that is sent to a device: a pure function from state and event to
 * state. Client, timers and disk are elsewhere (client.ts).
 *
 * ```
 *            canBegin                 acknowledged n
 *  waiting ───────────► sending n ◄──────────────────┐
 *     ▲                  │  │  └─ n < blocks ────────┘
 *     └──── deviceLost ──┘  └─ n = blocks, the end ──► done
 *
 *                    canBegin    acknowledged n   ackTakenBack n   deviceLost   stalled      giveUp    abort
 *  waiting           sending 0   –                –                –            –            failed    aborted
 *  sending n         sending 0   sending n + 1,   sending n        waiting,     sending 0,   failed    aborted
 *                                or done                           or failed    or failed
 *  done              –           –                sending the end  –            –            –         –
 *  failed, aborted   –           –                –                –            –            –         –
 * ```
 *
 * `n` counts the blocks from 0; `blocks` stands for the packet with index −1 that ends the
 * file. An acknowledgement counts for the packet that it names alone: a late one of an
 * earlier block changes nothing. One of another file, or from before the file has begun
 * again, does not come here (client.ts).
 *
 * It does not begin again for ever: not after {@link MOST_LOST} losses of the device in a
 * row that let it come no further, not after {@link MOST_ENDS_LOST} at the end, and not
 * after a second block on which a device that talks stood still.
 */
import { NO_SETBACKS, type Setbacks } from './file.js';

/** Where a transfer is. */
export type TransferLife =
  /** It begins, perhaps again, when the device can be sent to. */
  | { readonly name: 'waiting'; readonly setbacks: Setbacks }
  | {
      readonly name: 'sending';
      /** The block whose ack is awaited; as many as the file has: its end. */
      readonly block: number;
      readonly setbacks: Setbacks;
    }
  /** The device has acknowledged the end. */
  | { readonly name: 'done' }
  | { readonly name: 'failed'; readonly why: string }
  /** Somebody has ended it. */
  | { readonly name: 'aborted' };

export type TransferEvent =
  /** The port is open, or the device is there again after a restart: it expects block 0. */
  | { readonly type: 'canBegin' }
  | { readonly type: 'acknowledged'; readonly block: number }
  /** That acknowledgement was an echo of one of the gateway's. */
  | { readonly type: 'ackTakenBack'; readonly block: number }
  /** The port is gone, or the device has restarted: what it had of the file is lost. `sent`: the packet of the present block had been transmitted. */
  | { readonly type: 'deviceLost'; readonly sent: boolean }
  /** It talks, and has not acknowledged the present block for long. `why`: for people. */
  | { readonly type: 'stalled'; readonly why: string }
  /** It cannot go on. `why`: for people. */
  | { readonly type: 'giveUp'; readonly why: string }
  | { readonly type: 'abort' };

/** A device that takes the end of a file and restarts at once would get the file for ever. */
const MOST_ENDS_LOST = 2;
/** A device that dies of a block would be restarted by it for ever. */
const MOST_LOST = 5;

const ENDS_LOST =
  'the device restarts, or is unplugged, each time when it gets the end of the file, and has not ' +
  'acknowledged it: it may have taken the file';

/** Nothing follows any more, unless an ack turns out to have been an echo. */
export const isOver = ({ name }: TransferLife): boolean =>
  name === 'done' || name === 'failed' || name === 'aborted';

/** `blocks`: of the file, its end not counted. */
export function afterEvent(life: TransferLife, event: TransferEvent, blocks: number): TransferLife {
  if (life.name === 'done' && event.type === 'ackTakenBack') {
    return { name: 'sending', block: blocks, setbacks: NO_SETBACKS };
  }
  if (!('setbacks' in life)) return life;
  const { setbacks } = life;
  if (event.type === 'abort') return { name: 'aborted' };
  if (event.type === 'giveUp') return failed(event.why);
  if (event.type === 'canBegin') return { name: 'sending', block: 0, setbacks };
  if (life.name !== 'sending') return life;
  const { block } = life;
  switch (event.type) {
    case 'acknowledged':
      if (event.block !== block) return life;
      return block < blocks ? { ...life, block: block + 1 } : { name: 'done' };
    case 'ackTakenBack':
      return event.block < block ? { ...life, block: event.block } : life;
    case 'stalled': {
      const { why } = event;
      // It refuses the file, and would refuse it again.
      if (block === 0) return failed(why);
      const stalls = setbacks.stalls + 1;
      if (stalls > 1) return failed(`${why}. The file had begun again for such a block before`);
      return { name: 'sending', block: 0, setbacks: { ...setbacks, stalls } };
    }
    case 'deviceLost': {
      // It has nothing of the file yet.
      if (block === 0 && !event.sent) return { name: 'waiting', setbacks };
      return afterLoss(setbacks, block, event.sent && block === blocks);
    }
  }
}

/** `isEnd`: it had the end. */
function afterLoss(before: Setbacks, block: number, isEnd: boolean): TransferLife {
  const inRow = block > before.furthest ? 1 : before.inRow + 1;
  const ends = before.ends + (isEnd ? 1 : 0);
  if (ends >= MOST_ENDS_LOST) return failed(ENDS_LOST);
  if (inRow >= MOST_LOST) {
    return failed(
      `the device restarts, or is unplugged, while it gets the file: ${String(inRow)} times in a ` +
        'row it has taken no more of it than before',
    );
  }
  const furthest = Math.max(before.furthest, block);
  return { name: 'waiting', setbacks: { ...before, furthest, inRow, ends } };
}

const failed = (why: string): TransferLife => ({ name: 'failed', why });
