import type { OutgoingFile } from './file.js';

/** Bytes that are read at once: some hundred blocks. */
const CHUNK = 65_536;

/** Reads a file a chunk ahead of what is sent of it, so that the device does not wait for the disk. */
export class ReadAhead {
  #chunks: readonly { readonly at: number; readonly bytes: Uint8Array }[] = [];
  /** Offset of the chunk that is being read. */
  #reading: number | undefined;

  constructor(
    private readonly file: OutgoingFile,
    /** Called when more of the file is there, or why it cannot be read, for people. */
    private readonly readMore: (problem: string | undefined) => void,
  ) {}

  /** These bytes of the file; `undefined`: they are being read. */
  bytes(at: number, length: number): Uint8Array | undefined {
    const end = at + length;
    const first = this.#chunk(at);
    const last = length === 0 ? first : this.#chunk(end - 1);
    if (first === undefined || last === undefined) {
      this.#read(first === undefined ? at : end - 1);
      return undefined;
    }
    this.#read(last.at + CHUNK);
    if (first === last) return first.bytes.subarray(at - first.at, end - first.at);
    return Buffer.concat([
      first.bytes.subarray(at - first.at),
      last.bytes.subarray(0, end - last.at),
    ]);
  }

  #chunk(at: number): { readonly at: number; readonly bytes: Uint8Array } | undefined {
    return this.#chunks.find((chunk) => at >= chunk.at && at < chunk.at + CHUNK);
  }

  #read(offset: number): void {
    const at = offset - (offset % CHUNK);
    if (at >= this.file.size || this.#reading !== undefined || this.#chunk(at) !== undefined)
      return;
    this.#reading = at;
    const length = Math.min(CHUNK, this.file.size - at);
    this.file.read(at, length).then(
      (bytes) => {
        this.#reading = undefined;
        if (bytes.length === length) {
          // The one before is still needed for a block that lies in both.
          this.#chunks = [...this.#chunks.slice(-1), { at, bytes }];
          this.readMore(undefined);
        } else this.readMore('the file has become shorter');
      },
      (error: unknown) => {
        this.#reading = undefined;
        this.readMore(error instanceof Error ? error.message : String(error));
      },
    );
  }
}
