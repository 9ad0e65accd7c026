/**
 * Frames of ISO-TP (ISO 15765-2:2016, 9.6): the first bytes say what a frame is,
 * after the address byte of extended addressing, if there is one.
 *
 * ```
 *  0L data               single frame, L = 1 … 7 bytes
 *  00 LL data            single frame of CAN FD, longer than 8 bytes, L = 8 … 62
 *  1L LL data            first frame of a packet of LLL bytes
 *  10 00 LL LL LL LL …   first frame of a packet of more than 4,095 bytes
 *  2N data               consecutive frame, N = 1 … 15, 0, 1 …
 *  3S BB TT              flow control: S 0 go on, 1 wait, 2 overflow; block size; STmin
 *
 *  03 0a 0b 0c                  a packet of three bytes
 *  10 14 01 02 03 04 05 06      the first six of 20 bytes
 *  30 08 0a                     go on, eight frames, 10 ms apart
 *  21 07 08 09 0a 0b 0c 0d      seven more
 * ```
 */
export type IsoTpPdu =
  | { readonly kind: 'single'; readonly data: Uint8Array }
  | {
      readonly kind: 'first';
      /** Bytes of the whole packet. */
      readonly length: number;
      readonly data: Uint8Array;
      /** Bytes of the CAN frame; all but the last of the packet have as many. */
      readonly frameLength: number;
    }
  | {
      readonly kind: 'consecutive';
      /** 0 … 15 */
      readonly sequence: number;
      readonly data: Uint8Array;
      readonly frameLength: number;
    }
  | {
      readonly kind: 'flowControl';
      readonly status: FlowStatus | 'reserved';
      /** Frames until the next flow control; 0: there is none. */
      readonly blockSize: number;
      /** ms */
      readonly stMin: number;
    };

/** FS of a flow control (9.6.5.2). */
type FlowStatus = 'continue' | 'wait' | 'overflow';

const FLOW_STATUS: readonly FlowStatus[] = ['continue', 'wait', 'overflow'];

const SINGLE = 0;
const FIRST = 1;
const CONSECUTIVE = 2;
const FLOW_CONTROL = 3;
const CLASSIC = 8;
const LONGEST_PLAIN = 4_095;
/** Padding of CAN FD frames, which have no lengths between some above 8, if none is configured. */
const DEFAULT_PADDING = 0xcc;

/** Lengths of CAN FD frames above 8 bytes (ISO 11898-1). */
const FRAME_LENGTHS = [12, 16, 20, 24, 32, 48, 64] as const;

/**
 * Parses a frame. `foreign`: it has another address, for another device on the same
 * identifier. `malformed`: an unknown PCI, or one that contradicts the length of the
 * frame; the standard wants it ignored. The data shares its memory with the frame.
 */
export function parsePdu(
  frame: Uint8Array,
  address: number | undefined,
): IsoTpPdu | 'foreign' | 'malformed' {
  const at = address === undefined ? 0 : 1;
  if (address !== undefined && frame[0] !== address)
    return frame.length === 0 ? 'malformed' : 'foreign';
  const pci = frame[at];
  if (pci === undefined) return 'malformed';
  const low = pci & 0x0f;
  switch (pci >> 4) {
    case SINGLE:
      return parseSingle(frame, at, low);
    case FIRST:
      return parseFirst(frame, at, low);
    case CONSECUTIVE: {
      const data = frame.subarray(at + 1);
      if (data.length === 0) return 'malformed';
      return { kind: 'consecutive', sequence: low, data, frameLength: frame.length };
    }
    case FLOW_CONTROL: {
      const [blockSize, code] = [frame[at + 1], frame[at + 2]];
      if (blockSize === undefined || code === undefined) return 'malformed';
      const status = FLOW_STATUS[low] ?? 'reserved';
      return { kind: 'flowControl', status, blockSize, stMin: readStMin(code) };
    }
    default:
      return 'malformed';
  }
}

function parseSingle(frame: Uint8Array, at: number, low: number): IsoTpPdu | 'malformed' {
  let from = at + 1;
  let length = low;
  if (frame.length > CLASSIC) {
    // Above 8 bytes only the escape is valid, and only for packets that do not fit 8 bytes (9.6.2).
    if (low !== 0) return 'malformed';
    length = frame[from++] ?? 0;
    // The standard also wants the shortest possible frame. Longer ones do no harm; Linux takes them, too.
    if (length <= singleCapacity(CLASSIC, at)) return 'malformed';
  }
  const data = frame.subarray(from, from + length);
  return length === 0 || data.length < length ? 'malformed' : { kind: 'single', data };
}

function parseFirst(frame: Uint8Array, at: number, low: number): IsoTpPdu | 'malformed' {
  const frameLength = frame.length;
  if (frameLength < CLASSIC) return 'malformed';
  let length = (low << 8) | (frame[at + 1] ?? 0);
  let from = at + 2;
  if (length === 0) {
    length = Buffer.from(frame.buffer, frame.byteOffset, frame.length).readUInt32BE(from);
    from += 4;
    if (length <= LONGEST_PLAIN) return 'malformed';
  }
  // Such a packet fits a single frame (9.6.3.2, FF_DLmin).
  if (length <= singleCapacity(frameLength, at)) return 'malformed';
  return { kind: 'first', length, data: frame.subarray(from), frameLength };
}

/** Most bytes of a packet in a single frame. `addressLength`: 0 or 1. */
export function singleCapacity(frameLength: number, addressLength: number): number {
  return frameLength - addressLength - (frameLength > CLASSIC ? 2 : 1);
}

/** ms of an STmin code; reserved codes mean 127 ms (9.6.5.4, 9.6.5.5). */
export function readStMin(code: number): number {
  if (code <= 0x7f) return code;
  return code >= 0xf1 && code <= 0xf9 ? (code - 0xf0) / 10 : 0x7f;
}

/** STmin code of a time. `ms`: whole from 0 to 127, or 0.1 … 0.9. */
export function stMinCode(ms: number): number {
  return ms > 0 && ms < 1 ? 0xf0 + Math.round(ms * 10) : ms;
}

/** Makes the frames that we send. */
export class PduWriter {
  readonly #head: readonly number[];

  constructor(
    address: number | undefined,
    private readonly padding: number | undefined,
    private readonly frameLength: number,
  ) {
    this.#head = address === undefined ? [] : [address];
  }

  /** Most bytes of a packet in a single frame. */
  get singleCapacity(): number {
    return singleCapacity(this.frameLength, this.#head.length);
  }

  /** A single frame. The packet is not longer than {@link singleCapacity}. */
  single(data: Uint8Array): Uint8Array {
    const short = data.length <= singleCapacity(CLASSIC, this.#head.length);
    return this.#frame(short ? [data.length] : [0, data.length], data);
  }

  /** The first frame, which holds `taken` bytes of the packet. */
  first(packet: Uint8Array): { readonly frame: Uint8Array; readonly taken: number } {
    const { length } = packet;
    const pci =
      length <= LONGEST_PLAIN
        ? [0x10 | (length >> 8), length & 0xff]
        : [0x10, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
    const taken = this.frameLength - this.#head.length - pci.length;
    return { frame: this.#frame(pci, packet.subarray(0, taken)), taken };
  }

  /** Most bytes of a packet in a consecutive frame. */
  get consecutiveCapacity(): number {
    return this.frameLength - this.#head.length - 1;
  }

  consecutive(sequence: number, data: Uint8Array): Uint8Array {
    return this.#frame([0x20 | sequence], data);
  }

  flowControl(status: FlowStatus, blockSize: number, stMin: number): Uint8Array {
    const pci = [0x30 | FLOW_STATUS.indexOf(status), blockSize, stMinCode(stMin)];
    return this.#frame(pci, new Uint8Array());
  }

  #frame(pci: readonly number[], data: Uint8Array): Uint8Array {
    const used = this.#head.length + pci.length + data.length;
    const frame = new Uint8Array(this.#lengthFor(used));
    frame.set(this.#head);
    frame.set(pci, this.#head.length);
    frame.set(data, this.#head.length + pci.length);
    frame.fill(this.padding ?? DEFAULT_PADDING, used);
    return frame;
  }

  #lengthFor(used: number): number {
    if (used <= CLASSIC) return this.padding === undefined ? used : CLASSIC;
    return FRAME_LENGTHS.find((length) => length >= used) ?? used;
  }
}
