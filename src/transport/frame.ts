/** Bytes that belong together, such as the data of one CAN frame, or a packet of ISO-TP. */
export interface Frame {
  readonly data: Uint8Array;
}

/** A frame of a CAN bus, classic (ISO 11898-1) or FD, whatever it came from. */
export interface CanFrame extends Frame {
  /** 11 bits, or 29 when `extended`; without any flag bits. In an error frame: its class. */
  readonly id: number;
  readonly extended: boolean;
  /** At most 8 bytes, 64 with FD. A remote frame has none. */
  readonly data: Uint8Array;
  readonly fd: boolean;
  /** FD: the data were sent at the higher rate (BRS). */
  readonly bitRateSwitch: boolean;
  /** A request for a frame, which carries no data. */
  readonly remote: boolean;
  /** Not a frame of the bus: the controller's report of an error. */
  readonly error: boolean;
  /** When it was on the bus, if known: ns since 1970, UTC. */
  readonly time?: bigint;
}

/** Highest id of 11 bits. */
export const MAX_STANDARD_ID = 0x7ff;
/** Highest id of 29 bits. */
export const MAX_EXTENDED_ID = 0x1fff_ffff;

/** Most bytes of a classic frame. */
export const CLASSIC_LENGTH = 8;

/** The lengths that an FD frame can have, bytes, by its DLC. */
export const FD_LENGTHS: readonly number[] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64,
];
