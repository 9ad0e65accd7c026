/** What happens to DTR or RTS when the port has been opened; `leave`: nothing. */
export type LineState = 'leave' | 'on' | 'off';

/** RS-485 whose direction the driver switches, by RTS (linux/serial.h, `struct serial_rs485`). */
export interface Rs485Options {
  /** Level of RTS while it sends, and at all other times; they differ. */
  readonly rtsOnSend: boolean;
  readonly rtsAfterSend: boolean;
  /** ms between RTS and the first bit, and between the last bit and RTS; 0…100. */
  readonly delayRtsBeforeSendMs: number;
  readonly delayRtsAfterSendMs: number;
  /** Hears itself while it sends. */
  readonly rxDuringTx: boolean;
  /** Switches on the resistor at the end of the bus, where the port has one. */
  readonly terminate: boolean;
}

/** The kernel takes no longer delay (RS485_MAX_RTS_DELAY). */
export const MAX_RTS_DELAY_MS = 100;

export const RS485_DEFAULTS = {
  rtsOnSend: true,
  rtsAfterSend: false,
  delayRtsBeforeSendMs: 0,
  delayRtsAfterSendMs: 0,
  rxDuringTx: false,
  terminate: false,
} as const satisfies Rs485Options;

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
  /** Absent: the driver's mode stays as it is, which a device tree may have set. */
  readonly rs485?: Rs485Options | undefined;
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
} as const satisfies Omit<SerialOptions, 'path' | 'rs485'>;

/** Bits of a byte on the line, at most: start, 8 of data, parity, 2 of stop. */
const MOST_BITS = 12;

/** Longest time of a byte on the line, ms. */
export const longestByteMs = ({ baudRate }: Pick<SerialOptions, 'baudRate'>): number =>
  (1_000 * MOST_BITS) / baudRate;
