/** What a session's files and their users know of each other. */

/** How often a file had to begin again. It is not sent for ever to a device that takes no more of it. */
export interface Setbacks {
  /** Most blocks that the device had acknowledged when it was lost. */
  readonly furthest: number;
  /** How often it was lost there, or earlier in the file, one time after the other. */
  readonly inRow: number;
  /** How often it was lost while it had the end, and had not acknowledged it. */
  readonly ends: number;
  /** How often it talked, and did not acknowledge a block. */
  readonly stalls: number;
}

/** Of a file that is sent for the first time. */
export const NO_SETBACKS: Setbacks = { furthest: 0, inRow: 0, ends: 0, stalls: 0 };

/** A file for the device. */
export interface OutgoingFile {
  /** A good one (`whyNotFileName`). */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Of earlier lives of the gateway; absent: it had none. */
  readonly setbacks?: Setbacks;
  /** So many bytes from there; rejects, with a text for people, where they cannot be read. */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** How far a file is. */
export interface FileProgress {
  readonly name: string;
  /** Acknowledged by the device. */
  readonly bytes: number;
  readonly of: number;
  readonly state: 'sending' | 'done' | 'failed' | 'aborted';
  /** Why it has failed, for people. */
  readonly error?: string;
  /** Why nothing moves now, for people. */
  readonly reason?: string;
}

/** Told what becomes of a file. */
export interface FileListener {
  /** A block was acknowledged, or the state is another one. */
  fileMoved(): void;
  /** It has to begin again: to be kept, and given with the file after a restart of the gateway. */
  fileSetBack(setbacks: Setbacks): void;
}

/** The files that go to one device, one at a time. */
export interface DeviceFiles {
  /** Of the last file since the start; `undefined`: there was none. */
  readonly progress: FileProgress | undefined;
  /**
   * Begins to send a file. Returns why it cannot be sent, for people; `undefined`: it has
   * begun. `giveUpMs`: it fails so long after the last sign of life of the device, or when
   * a device that talks does not acknowledge a block for so long.
   */
  send(file: OutgoingFile, giveUpMs: number, listener: FileListener): string | undefined;
  /** Ends the file that is being sent. False: none is. */
  abort(): boolean;
  /** Forgets the file, without any end of it: the gateway stops. */
  release(): void;
}
