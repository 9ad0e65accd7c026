/** A device on a CAN bus, with one identifier for each direction. */
export interface CanOptions {
  /** Such as `can0`. */
  readonly interface: string;
  /** Identifier of the frames to the device; above 0x7ff it has 29 bits. */
  readonly txId: number;
  /** Identifier of the frames from the device; above 0x7ff it has 29 bits. */
  readonly rxId: number;
  /** Both identifiers have 29 bits, also below 0x800. */
  readonly extendedIds: boolean;
  /** Frames of CAN FD, with up to 64 bytes. */
  readonly fd: boolean;
  /** CAN FD: the data is sent at the data bit rate. */
  readonly bitRateSwitch: boolean;
}

/** Values of the options that may be left out. */
export const CAN_DEFAULTS = { extendedIds: false, fd: false, bitRateSwitch: false } as const;
