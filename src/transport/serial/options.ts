/** What is done to DTR or RTS when the port has been opened. */
export type LineState = 'leave' | 'on' | 'off';

export interface SerialOptions {
  readonly path: string;
  /** Bits per second; any rate that the driver can make. */
  readonly baudRate: number;
  readonly dataBits: 5 | 6 | 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
  /** Flow control by the RTS and CTS lines. */
  readonly rtscts: boolean;
  /** Flow control by XON and XOFF. Not for COBS frames, in which 0x11 and 0x13 are data. */
  readonly xonxoff: boolean;
  /** Many boards are reset, or put into their boot loader, by these two lines. */
  readonly dtr: LineState;
  readonly rts: LineState;
  /** Whether closing the port drops DTR. */
  readonly hupcl: boolean;
}

/** What may be left out. Nothing here touches what can reset a board. */
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

/** Of a byte on the line: start, eight of data, parity, two to stop. */
const MOST_BITS = 12;

/** What a byte takes on the line at most, ms. */
export const longestByteMs = ({ baudRate }: Pick<SerialOptions, 'baudRate'>): number =>
  (1_000 * MOST_BITS) / baudRate;
