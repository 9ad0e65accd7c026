/** What a session's files and their users know of each other. */

/** A file for the device. */
export interface OutgoingFile {
  /** A good one (`whyNotFileName`). */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
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

/** Told of each acknowledged block, and of each change of the state. */
export interface FileListener {
  fileMoved(): void;
}

/** The files that go to one device, one at a time. */
export interface DeviceFiles {
  /** Of the last file since the start; `undefined`: there was none. */
  readonly progress: FileProgress | undefined;
  /**
   * Begins to send a file. Returns why it cannot be sent, for people; `undefined`: it has
   * begun. `giveUpMs`: it fails so long after the last sign of life of the device.
   */
  send(file: OutgoingFile, giveUpMs: number, listener: FileListener): string | undefined;
  /** Ends the file that is being sent. False: none is. */
  abort(): boolean;
  /** Forgets the file, without any end of it: the gateway stops. */
  release(): void;
}
