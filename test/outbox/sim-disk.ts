/**
 * A disk that can lose its power between any two calls. What was not synced
 * then survives whole, in part, torn, or not at all, as a seed has it; so do
 * names of files, unless the folder was synced.
 */
import type { SegmentFile, SegmentFolder } from '../../src/outbox/segment-folder.js';

/** Numbers 0 ≤ x < 1 from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Change =
  | { readonly kind: 'write'; readonly bytes: Buffer; readonly at: number }
  | { readonly kind: 'truncate'; readonly length: number };

function apply(content: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') return Buffer.from(content.subarray(0, change.length));
  const { bytes, at } = change;
  const longer = Buffer.alloc(Math.max(content.length, at + bytes.length));
  content.copy(longer);
  bytes.copy(longer, at);
  return longer;
}

class Inode {
  content: Buffer;
  writtenNs = 0n;
  synced: Buffer;
  readonly unsynced: Change[] = [];

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.content = content;
    this.synced = content;
  }

  change(change: Change): void {
    this.content = apply(this.content, change);
    this.unsynced.push(change);
  }

  /** What is left of it. */
  afterCrash(random: () => number): Inode {
    let content = this.synced;
    for (const change of this.unsynced) {
      const luck = random();
      if (luck < 0.3) continue;
      if (luck < 0.6 || change.kind === 'truncate') content = apply(content, change);
      else if (luck < 0.8) {
        const length = Math.floor(random() * change.bytes.length);
        content = apply(content, { ...change, bytes: change.bytes.subarray(0, length) });
      } else {
        // The length has survived, and some of what it should hold.
        const bytes = Buffer.from(change.bytes);
        bytes.fill(0, Math.floor(random() * bytes.length));
        content = apply(content, { ...change, bytes });
      }
    }
    return new Inode(content);
  }
}

export class SimDisk implements SegmentFolder {
  readonly path = '/sim';
  /** Calls that may change something, so far. */
  readonly calls: string[] = [];
  /** Before each of them: a moment at which the power may go. */
  onCall: (() => void) | undefined;
  /** The error of a call that is to fail. */
  fails: ((call: string, name: string) => Error | undefined) | undefined;
  /** When what is written now is said to be written. */
  nowNs = 0n;
  /** Files that are open. */
  handles = 0;
  /** Calls that may change something take until then. */
  slow: Promise<void> | undefined;
  #names: Map<string, Inode>;
  #syncedNames: Map<string, Inode>;

  constructor(names = new Map<string, Inode>()) {
    this.#names = names;
    this.#syncedNames = new Map(names);
  }

  /** Bytes of all files. */
  get bytes(): number {
    return [...this.#names.values()].reduce((sum, { content }) => sum + content.length, 0);
  }

  get names(): string[] {
    return [...this.#names.keys()];
  }

  /** The content of a file, to look at and to damage. */
  content(name: string): Buffer {
    return this.#names.get(name)!.content;
  }

  /** The disk as it is found when the power is back, having gone now. */
  afterCrash(seed: number): SimDisk {
    const random = randomOf(seed);
    const names = new Map<string, Inode>();
    for (const name of new Set([...this.#names.keys(), ...this.#syncedNames.keys()])) {
      const [now, synced] = [this.#names.get(name), this.#syncedNames.get(name)];
      const inode = now === synced || random() < 0.5 ? now : synced;
      if (inode !== undefined) names.set(name, inode.afterCrash(random));
    }
    return new SimDisk(names);
  }

  /** Somebody else deletes all files. */
  deleteAll(): void {
    this.#names = new Map();
    this.#syncedNames = new Map();
  }

  list(): Promise<string[]> {
    return Promise.resolve([...this.#names.keys()]);
  }

  create(name: string): Promise<SegmentFile> {
    return this.#step('create', name, () => {
      if (this.#names.has(name)) throw new Error(`${name} is there`);
      const inode = new Inode();
      this.#names.set(name, inode);
      return this.#file(name, inode);
    });
  }

  open(name: string): Promise<SegmentFile> {
    const inode = this.#names.get(name);
    if (inode === undefined) throw new Error(`no ${name}`);
    return Promise.resolve(this.#file(name, inode));
  }

  remove(name: string): Promise<void> {
    return this.#step('remove', name, () => void this.#names.delete(name));
  }

  sync(): Promise<void> {
    return this.#step('syncFolder', '', () => void (this.#syncedNames = new Map(this.#names)));
  }

  #file(name: string, inode: Inode): SegmentFile {
    this.handles += 1;
    return {
      writtenNs: () => Promise.resolve(inode.writtenNs),
      size: () => Promise.resolve(inode.content.length),
      read: (into, position) => {
        const error = this.fails?.('read', name);
        if (error !== undefined) throw error;
        return inode.content.copy(into, 0, position);
      },
      write: (bytes, at) => {
        inode.writtenNs = this.nowNs;
        const write = (length: number): void =>
          inode.change({ kind: 'write', bytes: Buffer.from(bytes.subarray(0, length)), at });
        // As a disk does that becomes full: what there is room for is written.
        return this.#step(
          'write',
          name,
          () => write(bytes.length),
          () => write(Math.floor(bytes.length / 2)),
        );
      },
      sync: () =>
        this.#step('sync', name, () => {
          inode.synced = inode.content;
          inode.unsynced.length = 0;
        }),
      truncate: (length) =>
        this.#step('truncate', name, () => inode.change({ kind: 'truncate', length })),
      isThere: () => Promise.resolve(this.#names.get(name) === inode),
      close: () => {
        this.handles -= 1;
        return Promise.resolve();
      },
    };
  }

  async #step<T>(
    call: string,
    name: string,
    act: () => T,
    failed: () => void = () => undefined,
  ): Promise<T> {
    this.onCall?.();
    this.calls.push(call);
    await this.slow;
    const error = this.fails?.(call, name);
    if (error === undefined) return act();
    failed();
    throw error;
  }
}
