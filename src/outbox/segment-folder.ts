/**
 * What the outbox needs of a disk: one folder with files. It is small, so that tests can
 * fail between any two calls (test/outbox/sim-disk.ts). Calls reject with errors of the
 * system.
 */
export interface SegmentFolder {
  /** Path, for people. */
  readonly path: string;
  /** Names of the files in the folder. */
  list(): Promise<string[]>;
  /** A new, empty file, in a folder made anew where it is gone; it survives a power failure only after {@link sync}. */
  create(name: string): Promise<SegmentFile>;
  /** `undefined`: that name is no regular file (a folder, a dangling link or the like). */
  open(name: string): Promise<SegmentFile | undefined>;
  /** Harmless where there is none. */
  remove(name: string): Promise<void>;
  /** Makes the present names, and no others, survive a power failure. */
  sync(): Promise<void>;
}

/** An open file. */
export interface SegmentFile {
  size(): Promise<number>;
  /** When it was last written to, ns since 1970. */
  writtenNs(): Promise<bigint>;
  /** Reads synchronously. Returns the number of bytes read. */
  read(into: Uint8Array, position: number): number;
  /** All of the bytes, or it throws. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Makes what was written survive a power failure. */
  sync(): Promise<void>;
  /** Whether it still has a name: a deleted file is gone when this process ends. */
  isThere(): Promise<boolean>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}
