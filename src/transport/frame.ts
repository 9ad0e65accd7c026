/** Bytes that are never cut or joined: the data of a CAN frame, or a packet of ISO-TP. */
export interface Frame {
  readonly data: Uint8Array;
}

/** A frame of a CAN bus (ISO 11898-1), from an interface or a log file. */
export interface CanFrame extends Frame {
  /** 11 bits, or 29 when `extended`, without flags. In an error frame its class (linux/can/error.h). */
  readonly id: number;
  readonly extended: boolean;
  /** At most 8 bytes, 64 in a frame of CAN FD; none in a remote frame. */
  readonly data: Uint8Array;
  readonly fd: boolean;
  /** BRS of CAN FD: the data has the data bit rate. */
  readonly bitRateSwitch: boolean;
  /** A remote frame: a request for a data frame. */
  readonly remote: boolean;
  /** Not from the bus: the controller reports an error. */
  readonly error: boolean;
  /** Time of the frame, ns since 1970, UTC; absent: not known. */
  readonly time?: bigint;
}

/** Highest id of 11 bits. */
export const MAX_STANDARD_ID = 0x7ff;
/** Highest id of 29 bits. */
export const MAX_EXTENDED_ID = 0x1fff_ffff;

/** Most bytes of a classic frame. */
export const CLASSIC_LENGTH = 8;

/** Bytes of data that a frame of CAN FD can have; the index is the DLC. */
export const FD_LENGTHS: readonly number[] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64,
];
