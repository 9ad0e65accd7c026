/**
 * What the outbox needs of a disk: one folder with files. There are few calls, so that
 * tests can make the disk fail between any two (test/outbox/sim-disk.ts). Calls reject
 * with errors of the system.
 */
export interface SegmentFolder {
  /** Path, for people. */
  readonly path: string;
  /** Names of the files in the folder. */
  list(): Promise<string[]>;
  /**
   * Makes a new, empty file, and the folder if it is gone. The file survives a power
   * failure only after {@link sync}.
   */
  create(name: string): Promise<SegmentFile>;
  /**
   * `undefined`: the name is not that of a regular file, but of a folder, of a symbolic
   * link without a target or the like.
   */
  open(name: string): Promise<SegmentFile | undefined>;
  /** Does nothing if there is no such file. */
  remove(name: string): Promise<void>;
  /** After this, exactly the present names survive a power failure. */
  sync(): Promise<void>;
}

/** An open file. */
export interface SegmentFile {
  size(): Promise<number>;
  /** When it was last written to, ns since 1970. */
  writtenNs(): Promise<bigint>;
  /** Reads synchronously. Returns the number of bytes read. */
  read(into: Uint8Array, position: number): number;
  /** Writes all of the bytes, or rejects. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** After this, everything that was written survives a power failure. */
  sync(): Promise<void>;
  /** Whether the file still has its name. A deleted file is gone when this process ends. */
  isThere(): Promise<boolean>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}
