import { createHash } from 'node:crypto';
import type { BehavingMcu, Behaviour } from './behaviours.js';
import type { ReceivedPacket } from './transcript.js';

/** A file that has come to its end. */
export interface ReceivedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/** How a device takes files; defaults after the semicolon. */
export interface FileReceiverOptions {
  /** It acknowledges no block; false. */
  readonly refuse?: boolean;
  /** Most bytes of a file; 64 MiB. Blocks beyond are not acknowledged. */
  readonly maxBytes?: number;
  /** Told of a first block; nothing. */
  readonly begun?: (name: string) => void;
  /** Told of each file that has come to its end; nothing. */
  readonly ended?: (file: ReceivedFile) => void;
}

const NAME_BYTES = 16;
const DATA_AT = 20;
const END = -1;
const MOST_BYTES = 64 * 1_048_576;

interface Begun {
  readonly name: string;
  readonly pieces: Uint8Array[];
  length: number;
}

/**
 * A device that takes files in SIOT's blocks (docs/siot.md, 2.6), strictly in their
 * order: block 0 begins a file anew, an equal block is acknowledged again, and any other
 * one than the next is not acknowledged. A restart forgets the file that had begun.
 */
export class FileReceiver implements Behaviour {
  readonly name = 'take files';
  /** Those that have come to their end, oldest first. */
  readonly files: ReceivedFile[] = [];
  #begun: Begun | undefined;
  /** Name of the last file that ended: its end may come again. */
  #endedName: string | undefined;

  constructor(private readonly options: FileReceiverOptions = {}) {}

  /** Blocks of the file that has begun. */
  get blocks(): number {
    return this.#begun?.pieces.length ?? 0;
  }

  /** Bytes of the file that has begun. */
  get length(): number {
    return this.#begun?.length ?? 0;
  }

  /** The device has restarted. */
  forget(): void {
    this.#begun = undefined;
    this.#endedName = undefined;
  }

  onPacket(
    { subject, payload, sequence }: ReceivedPacket,
    mcu: BehavingMcu,
  ): 'handled' | undefined {
    if (subject !== 'file') return undefined;
    if (payload.length >= DATA_AT && this.options.refuse !== true && this.#take(payload)) {
      mcu.sendAck(sequence);
    }
    return 'handled';
  }

  /** Whether the block is acknowledged. */
  #take(payload: Uint8Array): boolean {
    const bytes = Buffer.from(payload);
    const name = bytes.toString('utf8', 0, NAME_BYTES).replace(/\0+$/, '');
    const index = bytes.readInt32LE(NAME_BYTES);
    const data = bytes.subarray(DATA_AT);
    return index === END ? this.#end(name) : this.#block(name, index, data);
  }

  #block(name: string, index: number, data: Uint8Array): boolean {
    const begun = this.#begun;
    const isSame = begun?.name === name;
    if (isSame && index > 0 && index < begun.pieces.length) {
      return Buffer.compare(begun.pieces[index] ?? new Uint8Array(), data) === 0;
    }
    if (index === 0) {
      this.#begun = { name, pieces: [data], length: data.length };
      this.#endedName = undefined;
      this.options.begun?.(name);
      return true;
    }
    if (!isSame || index !== begun.pieces.length) return false;
    if (begun.length + data.length > (this.options.maxBytes ?? MOST_BYTES)) return false;
    begun.pieces.push(data);
    begun.length += data.length;
    return true;
  }

  #end(name: string): boolean {
    const begun = this.#begun;
    // An empty file is its end alone; and the ack of an end may have been lost.
    if (begun === undefined && this.#endedName === name) return true;
    // Another file was ended by the gateway before its end.
    const bytes = Buffer.concat(begun?.name === name ? begun.pieces : []);
    const file = { name, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    this.files.push(file);
    this.#begun = undefined;
    this.#endedName = name;
    this.options.ended?.(file);
    return true;
  }
}
