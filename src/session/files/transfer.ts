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
 *                    canBegin    acknowledged n   ackTakenBack n   deviceLost         giveUp    abort
 *  waiting           sending 0   –                –                –                  failed    aborted
 *  sending n         sending 0   sending n + 1,   sending n        waiting, or failed failed    aborted
 *                                or done                           (endsLost)
 *  done              –           –                sending the end  –                  –         –
 *  failed, aborted   –           –                –                –                  –         –
 * ```
 *
 * `n` counts the blocks from 0; `blocks` stands for the packet with index −1 that ends the
 * file. An acknowledgement counts for the packet that it names alone: a late one of an
 * earlier block changes nothing. One of another file, or from before the file has begun
 * again, does not come here (client.ts).
 */

/** Where a transfer is. */
export type TransferLife =
  /** It begins, perhaps again, when the device can be sent to. */
  | { readonly name: 'waiting'; readonly endsLost: number }
  | {
      readonly name: 'sending';
      /** The block whose ack is awaited; as many as the file has: its end. */
      readonly block: number;
      /** How often the device went away while it had the end, and had not acknowledged it. */
      readonly endsLost: number;
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
  /** It cannot go on. `why`: for people. */
  | { readonly type: 'giveUp'; readonly why: string }
  | { readonly type: 'abort' };

/** How a transfer begins. */
export const WAITING: TransferLife = { name: 'waiting', endsLost: 0 };

/** A device that takes the end of a file and restarts at once would get the file for ever. */
const MOST_ENDS_LOST = 2;

const ENDS_LOST =
  'the device restarts, or is unplugged, each time when it gets the end of the file, and has not ' +
  'acknowledged it: it may have taken the file';

/** Nothing follows any more, unless an ack turns out to have been an echo. */
export const isOver = ({ name }: TransferLife): boolean =>
  name === 'done' || name === 'failed' || name === 'aborted';

/** `blocks`: of the file, its end not counted. */
export function afterEvent(life: TransferLife, event: TransferEvent, blocks: number): TransferLife {
  if (life.name === 'done' && event.type === 'ackTakenBack') {
    return { name: 'sending', block: blocks, endsLost: 0 };
  }
  if (isOver(life)) return life;
  if (event.type === 'abort') return { name: 'aborted' };
  if (event.type === 'giveUp') return { name: 'failed', why: event.why };
  const endsLost = 'endsLost' in life ? life.endsLost : 0;
  if (event.type === 'canBegin') return { name: 'sending', block: 0, endsLost };
  if (life.name !== 'sending') return life;
  const { block } = life;
  switch (event.type) {
    case 'acknowledged':
      if (event.block !== block) return life;
      return block < blocks ? { ...life, block: block + 1 } : { name: 'done' };
    case 'ackTakenBack':
      return event.block < block ? { ...life, block: event.block } : life;
    case 'deviceLost': {
      if (block < blocks || !event.sent) return { name: 'waiting', endsLost };
      const lost = endsLost + 1;
      if (lost >= MOST_ENDS_LOST) return { name: 'failed', why: ENDS_LOST };
      return { name: 'waiting', endsLost: lost };
    }
  }
}
