/**
 * What the outbox needs of a disk: one folder with its files. Small, so that tests
 * can stand between any two calls (test/outbox/sim-disk.ts).
 */
export interface SegmentFolder {
  /** Where it is, for people. */
  readonly path: string;
  /** Names of the files in the folder. */
  list(): Promise<string[]>;
  /** A new, empty file, in a folder made anew where it is gone; it survives a power failure only after {@link sync}. */
  create(name: string): Promise<SegmentFile>;
  /** `undefined`: what has the name is no file but a folder, a link that leads nowhere or the like. */
  open(name: string): Promise<SegmentFile | undefined>;
  /** Harmless where there is none. */
  remove(name: string): Promise<void>;
  /** Makes the names that there are now, and no others, survive a power failure. */
  sync(): Promise<void>;
}

export interface SegmentFile {
  size(): Promise<number>;
  /** When it was last written to, ns since 1970. */
  writtenNs(): Promise<bigint>;
  /** At once, since who reads a point needs it now. Returns how many bytes there were. */
  read(into: Uint8Array, position: number): number;
  /** All of the bytes, or it throws. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Makes what was written survive a power failure. */
  sync(): Promise<void>;
  /** Whether it has its name: what somebody has deleted goes with this process. */
  isThere(): Promise<boolean>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}
