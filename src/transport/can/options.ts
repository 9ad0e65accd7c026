/** A device on a CAN bus, with one identifier for each direction. */
export interface CanOptions {
  /** Such as `can0`. */
  readonly interface: string;
  /** Of the frames that go to the device, and of those that come from it; 29 bits above 7ff. */
  readonly txId: number;
  readonly rxId: number;
  /** Both identifiers have 29 bits, however small they are. */
  readonly extendedIds: boolean;
  /** Frames of CAN FD, with up to 64 bytes. */
  readonly fd: boolean;
  /** FD: the data go at the higher rate. */
  readonly bitRateSwitch: boolean;
}

export const CAN_DEFAULTS = { extendedIds: false, fd: false, bitRateSwitch: false } as const;
