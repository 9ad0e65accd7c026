/**
 * A file for the device in blocks, each sent until the device has acknowledged it
 * (docs/siot.md, 2.6; docs/contract.md, "Files to the device"). What follows from what is
 * in transfer.ts; here are packets and times.
 */
import { FILE_BLOCK_LENGTH, FILE_END } from '../../packet/file-block.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { SenderClient, SenderEvent } from '../sending/client.js';
import type { Outgoing } from '../sending/outgoing.js';
import type { ReliableSender } from '../sending/sender.js';
import { Block, type Attempt, type BlockHost } from './block.js';
import {
  NO_SETBACKS,
  type DeviceFiles,
  type FileListener,
  type FileProgress,
  type OutgoingFile,
} from './file.js';
import { ReadAhead } from './read-ahead.js';
import { whyGone, whyStalled, whyWaiting } from './reasons.js';
import { afterEvent, isOver, type TransferEvent, type TransferLife } from './transfer.js';

/** What the client needs of its session. */
export interface FileClientHost {
  /** Longest frame, bytes. */
  readonly maxFrameLength: number;
  /** Monotonic ms of what was heard last of the device, over all openings; `undefined`: nothing yet. */
  readonly heardMs: number | undefined;
}

/** Blocks of fewer bytes are not worth sending. */
const SHORTEST_BLOCK = 16;
/** A device that was silent, for its memory was erased, gets a block for so long at least when it is heard again. */
const AFTER_SILENCE_MS = 10_000;

interface Transfer {
  readonly file: OutgoingFile;
  readonly reader: ReadAhead;
  readonly blockLength: number;
  /** Its end not counted. */
  readonly blocks: number;
  readonly giveUpMs: number;
  readonly listener: FileListener;
  /** Monotonic ms. */
  readonly startedMs: number;
  life: TransferLife;
  attempt: Attempt;
  /** The packet of the present block. */
  block: Block | undefined;
  /** Monotonic ms of its first transmission; `undefined`: none yet. */
  blockSentMs: number | undefined;
  /** Monotonic ms when the device was heard again after its first silence over this block. */
  awakeMs: number | undefined;
}

/** A file for the device is sent from its beginning, perhaps again. */
const newAttempt = (): Attempt => Symbol('attempt');

/** Sends one file at a time. */
export class FileClient implements SenderClient, DeviceFiles, BlockHost {
  readonly priority = 2;
  readonly window = 1;
  #transfer: Transfer | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly host: FileClientHost,
    private readonly sender: ReliableSender,
    private readonly outgoing: Outgoing,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  get progress(): FileProgress | undefined {
    if (this.#transfer === undefined) return undefined;
    const { file, blockLength, blocks, block, life } = this.#transfer;
    const { name, size } = file;
    const reached = life.name === 'sending' ? life.block * blockLength : 0;
    const bytes = life.name === 'done' ? size : Math.min(size, reached);
    const reason = whyWaiting(life, blocks, block?.tries ?? 0);
    return {
      name,
      bytes,
      of: size,
      state: life.name === 'waiting' ? 'sending' : life.name,
      ...(life.name === 'failed' ? { error: life.why } : {}),
      ...(reason === undefined ? {} : { reason }),
    };
  }

  send(file: OutgoingFile, giveUpMs: number, listener: FileListener): string | undefined {
    if (this.#transfer !== undefined && !isOver(this.#transfer.life)) {
      return `${this.#transfer.file.name} is being sent`;
    }
    const blockLength = this.#blockLength(file.name);
    if (blockLength < SHORTEST_BLOCK) {
      return (
        `a block of a file does not fit into maxFrameLength (${String(this.host.maxFrameLength)}): ` +
        'let the link and its firmware have longer frames, of 448 bytes or more'
      );
    }
    const transfer: Transfer = {
      file,
      reader: new ReadAhead(file, (problem) => this.#readMore(transfer, problem)),
      blockLength,
      blocks: Math.ceil(file.size / blockLength),
      giveUpMs,
      listener,
      startedMs: this.clock.monotonicMs(),
      life: { name: 'waiting', setbacks: file.setbacks ?? NO_SETBACKS },
      attempt: newAttempt(),
      block: undefined,
      blockSentMs: undefined,
      awakeMs: undefined,
    };
    this.#transfer = transfer;
    this.log.info({ file: file.name, bytes: file.size }, 'a file is sent to the device');
    this.#watch();
    if (this.sender.isOpen) this.#on({ type: 'canBegin' });
    return undefined;
  }

  abort(): boolean {
    if (this.#transfer === undefined || isOver(this.#transfer.life)) return false;
    this.#on({ type: 'abort' });
    return true;
  }

  release(): void {
    this.#dropBlock();
    this.#transfer = undefined;
    this.#timer?.cancel();
  }

  /** The channel is gone. */
  closed(): void {
    this.#deviceLost();
  }

  // A client of the sender.

  next(): Block | undefined {
    const transfer = this.#transfer;
    if (transfer?.life.name !== 'sending') return undefined;
    const { file, reader, blockLength, blocks, life, attempt } = transfer;
    if (transfer.block !== undefined) return transfer.block.isInFlight ? undefined : transfer.block;
    const isEnd = life.block === blocks;
    const at = life.block * blockLength;
    const data = isEnd
      ? new Uint8Array(0)
      : reader.bytes(at, Math.min(blockLength, file.size - at));
    if (data === undefined) return undefined;
    const index = isEnd ? FILE_END : life.block;
    const content = { name: file.name, index, data };
    transfer.block = new Block(this, this.outgoing, attempt, life.block, content);
    return transfer.block;
  }

  probes(): readonly [] {
    return [];
  }

  on(event: SenderEvent): void {
    switch (event) {
      case 'opened':
      case 'resync':
        this.#on({ type: 'canBegin' });
        return;
      case 'restarted':
        this.#deviceLost();
        return;
      case 'awake':
        if (this.#transfer?.block !== undefined) {
          this.#transfer.awakeMs ??= this.clock.monotonicMs();
        }
        this.#watch();
        return;
      case 'codecKnown':
      case 'quiet':
      // The block that is not acknowledged is sent again in any case.
    }
  }

  // What becomes of a block.

  blockSent(block: Block): void {
    const transfer = this.#transfer;
    if (block !== transfer?.block || transfer.blockSentMs !== undefined) return;
    transfer.blockSentMs = this.clock.monotonicMs();
    this.#watch();
  }

  blockAcknowledged({ attempt, number }: Block): void {
    if (attempt === this.#transfer?.attempt) this.#on({ type: 'acknowledged', block: number });
  }

  blockAckTakenBack({ attempt, number }: Block): void {
    if (attempt === this.#transfer?.attempt) this.#on({ type: 'ackTakenBack', block: number });
  }

  #readMore(transfer: Transfer, problem: string | undefined): void {
    if (transfer !== this.#transfer) return;
    if (problem === undefined) this.sender.pump();
    else this.#on({ type: 'giveUp', why: `the file cannot be read: ${problem}` });
  }

  #deviceLost(): void {
    const sent = (this.#transfer?.block?.tries ?? 0) > 0;
    this.#on({ type: 'deviceLost', sent });
  }

  #on(event: TransferEvent): void {
    const transfer = this.#transfer;
    if (transfer === undefined) return;
    const before = transfer.life;
    const life = afterEvent(before, event, transfer.blocks);
    if (life === before) return;
    transfer.life = life;
    this.#dropBlock();
    const begins = event.type === 'canBegin' || event.type === 'stalled';
    if (begins || life.name === 'waiting') transfer.attempt = newAttempt();
    if (isOver(life)) this.#tellEnd(transfer);
    else if (event.type === 'stalled') {
      const { name } = transfer.file;
      this.log.warn({ file: name, reason: event.why }, 'a file is sent again, from its beginning');
    }
    this.#watch();
    const { listener } = transfer;
    if ('setbacks' in before && 'setbacks' in life && life.setbacks !== before.setbacks) {
      listener.fileSetBack(life.setbacks);
    }
    listener.fileMoved();
    this.sender.pump();
  }

  /** The packet of another block, or of none, is next. */
  #dropBlock(): void {
    const transfer = this.#transfer;
    if (transfer?.block === undefined) return;
    const { block } = transfer;
    transfer.block = undefined;
    transfer.blockSentMs = undefined;
    transfer.awakeMs = undefined;
    this.sender.withdraw(block);
  }

  #tellEnd({ file, life }: Transfer): void {
    const { name } = file;
    if (life.name === 'failed') {
      this.log.warn({ file: name, reason: life.why }, 'a file was not sent to the device');
    } else if (life.name === 'aborted') {
      this.log.info({ file: name }, 'somebody has ended the sending of a file');
    } else this.log.info({ file: name, bytes: file.size }, 'the device has the file');
  }

  /** Gives up a device that does not live; and one that talks, and does not take the present block. */
  #watch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const transfer = this.#transfer;
    if (transfer === undefined || isOver(transfer.life)) return;
    const { giveUpMs, startedMs, life, blocks } = transfer;
    const nowMs = this.clock.monotonicMs();
    const lastMs = Math.max(startedMs, this.host.heardMs ?? startedMs);
    const goneInMs = lastMs + giveUpMs - nowMs;
    const stalledInMs = this.#dueMs(transfer) - nowMs;
    if (goneInMs <= 0) this.#on({ type: 'giveUp', why: whyGone(giveUpMs) });
    else if (stalledInMs <= 0 && life.name === 'sending') {
      this.#on({ type: 'stalled', why: whyStalled(life.block, blocks, giveUpMs) });
    } else {
      const ms = Math.min(goneInMs, stalledInMs);
      this.#timer = this.clock.setTimer(ms, () => this.#watch());
    }
  }

  /** Monotonic ms until when a device that talks has to acknowledge the present block. */
  #dueMs({ giveUpMs, blockSentMs, awakeMs = Number.NEGATIVE_INFINITY }: Transfer): number {
    if (blockSentMs === undefined || this.sender.life.silent) return Number.POSITIVE_INFINITY;
    return Math.max(blockSentMs + giveUpMs, awakeMs + AFTER_SILENCE_MS);
  }

  /** The longest block whose packet fits into a frame, whatever bytes are in it. */
  #blockLength(name: string): number {
    const fits = (length: number): boolean =>
      // Bytes other than zero need the longest frame.
      this.outgoing.fileFrameLength({ name, index: FILE_END, data: Buffer.alloc(length, 1) }) <=
      this.host.maxFrameLength;
    let length = FILE_BLOCK_LENGTH;
    while (length > 0 && !fits(length)) length -= 1;
    return length;
  }
}
