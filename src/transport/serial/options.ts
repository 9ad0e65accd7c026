/** What happens to DTR or RTS when the port has been opened; `leave`: nothing. */
export type LineState = 'leave' | 'on' | 'off';

/** Settings of a serial port. */
export interface SerialOptions {
  /** Such as `/dev/ttyUSB0`, or a link to it. */
  readonly path: string;
  /** Bits per second; any rate that the driver can set. */
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
  /** Flow control by the RTS and CTS lines. */
  readonly rtscts: boolean;
  /** Flow control by XON and XOFF. Not for COBS frames, in which 0x11 and 0x13 are data. */
  readonly xonxoff: boolean;
  /** Many boards are reset, or enter their boot loader, by DTR and RTS. */
  readonly dtr: LineState;
  readonly rts: LineState;
  /** Whether closing the port drops DTR. */
  readonly hupcl: boolean;
}

/** Values of the options that may be left out: none of them can reset a board. */
export const SERIAL_DEFAULTS = {
  baudRate: 115200,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  rtscts: false,
  xonxoff: false,
  dtr: 'leave',
  rts: 'leave',
  hupcl: false,
} as const satisfies Omit<SerialOptions, 'path'>;

/** Bits of a byte on the line, at most: start, 8 of data, parity, 2 of stop. */
const MOST_BITS = 12;

/** Longest time of a byte on the line, ms. */
export const longestByteMs = ({ baudRate }: Pick<SerialOptions, 'baudRate'>): number =>
  (1_000 * MOST_BITS) / baudRate;
