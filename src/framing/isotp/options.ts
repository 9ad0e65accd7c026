/**
 * ISO-TP (ISO 15765-2:2016): packets over CAN frames, cut and joined again. This
 * file has what both sides of a connection are told.
 */
export interface IsoTpOptions {
  /** Frames that the device may send before it waits for our next flow control, 1 … 255; 0: all. */
  readonly blockSize: number;
  /** Least time between the device's frames, ms: 0 … 127 whole, or 0.1 … 0.9. */
  readonly stMin: number;
  /**
   * Extended addressing (mixed addressing looks the same): first byte of what we
   * send, and of what we take. Absent: normal addressing.
   */
  readonly address?: { readonly tx: number; readonly rx: number };
  /** What fills frames up to 8 bytes, 0 … 255. Absent: frames are as short as they can be. */
  readonly padding?: number;
  /** Longest frame that we send, bytes: 8, or with CAN FD 12, 16, 20, 24, 32, 48 or 64 as well. */
  readonly frameLength: number;
}

/** All at once, and frames as short as they can be. */
export const ISO_TP_DEFAULTS = { blockSize: 0, stMin: 0 } as const;

/**
 * Timeouts of 9.8 in ms.
 * - `a`: a frame of ours is taken by the controller (N_As, N_Ar)
 * - `bs`: the device's flow control follows our frame (N_Bs)
 * - `cr`: the device's next frame follows the one before, or our flow control (N_Cr)
 *
 * N_Br and N_Cs say how fast one has to be oneself: at once, here.
 */
export const ISO_TP_TIMEOUTS = { a: 1_000, bs: 1_000, cr: 1_000 } as const;

/** So often a device may ask us to wait, one after the other (9.7, N_WFTmax). */
export const ISO_TP_MOST_WAITS = 16;

/** Longest packet without the escape length of 9.6.3.1, which classic CAN gets by on. */
export const ISO_TP_CLASSIC_LENGTH = 4_095;
