/** CAN frames in the form of the kernel: `struct can_frame` and `canfd_frame` (linux/can.h). */
import { MAX_EXTENDED_ID, MAX_STANDARD_ID, type CanFrame } from '../frame.js';

/**
 * ```
 *  offset  size  field
 *  0       4     id; bit 31 extended, 30 remote, 29 error
 *  4       1     length of the data
 *  5       1     FD: bit 0 bit rate switch
 *  8       8|64  data
 *
 *  23 01 00 00  02 00 00 00  0a 0b 00 00 00 00 00 00      id 123, two bytes
 * ```
 */
const FLAG_EXTENDED = 0x8000_0000;
const FLAG_REMOTE = 0x4000_0000;
const FLAG_ERROR = 0x2000_0000;
const LENGTH_AT = 4;
const FLAGS_AT = 5;
const DATA_AT = 8;
const FD_BIT_RATE_SWITCH = 1;
const CLASSIC_BYTES = 16;
const FD_BYTES = 72;

/** The bytes to write to a socket: 16, or 72 of CAN FD. */
export function encodeCanFrame(frame: CanFrame): Buffer {
  const bytes = Buffer.alloc(frame.fd ? FD_BYTES : CLASSIC_BYTES);
  bytes.writeUInt32LE(wireId(frame), 0);
  bytes[LENGTH_AT] = frame.data.length;
  if (frame.fd && frame.bitRateSwitch) bytes[FLAGS_AT] = FD_BIT_RATE_SWITCH;
  bytes.set(frame.data, DATA_AT);
  return bytes;
}

/** `bytes`: one frame as read from a socket. The data shares its memory with them. */
export function decodeCanFrame(bytes: Buffer): CanFrame {
  const id = bytes.readUInt32LE(0);
  const extended = (id & FLAG_EXTENDED) !== 0;
  const fd = bytes.length === FD_BYTES;
  const remote = (id & FLAG_REMOTE) !== 0;
  const error = (id & FLAG_ERROR) !== 0;
  // In classic CAN a DLC of 9 to 15 means 8 bytes (ISO 11898-1); subarray() cuts at the end of the frame.
  const length = bytes[LENGTH_AT] ?? 0;
  return {
    id: id & (extended || error ? MAX_EXTENDED_ID : MAX_STANDARD_ID),
    extended,
    data: bytes.subarray(DATA_AT, DATA_AT + (remote ? 0 : length)),
    fd,
    bitRateSwitch: fd && ((bytes[FLAGS_AT] ?? 0) & FD_BIT_RATE_SWITCH) !== 0,
    remote,
    error,
  };
}

/** Lets frames through whose id equals `id` in the bits of `mask`. */
export interface CanFilter {
  readonly id: number;
  readonly mask: number;
  readonly extended: boolean;
}

/** An id with its flags, as the kernel's filters compare it. */
function wireId({
  id,
  extended,
  remote,
  error,
}: Omit<CanFrame, 'data' | 'fd' | 'bitRateSwitch'>): number {
  const flags =
    (extended ? FLAG_EXTENDED : 0) | (remote ? FLAG_REMOTE : 0) | (error ? FLAG_ERROR : 0);
  return (id | flags) >>> 0;
}

/** An array of `struct can_filter`. Remote frames never pass: they carry no data. */
export function encodeFilters(filters: readonly CanFilter[]): Buffer {
  const bytes = Buffer.alloc(filters.length * 8);
  filters.forEach(({ id, mask, extended }, index) => {
    bytes.writeUInt32LE((id | (extended ? FLAG_EXTENDED : 0)) >>> 0, index * 8);
    bytes.writeUInt32LE((mask | FLAG_EXTENDED | FLAG_REMOTE) >>> 0, index * 8 + 4);
  });
  return bytes;
}
