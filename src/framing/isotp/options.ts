/** ISO-TP (ISO 15765-2:2016): packets that are cut into CAN frames and joined again. */
export interface IsoTpOptions {
  /** BS: frames that the device may send before our next flow control, 1 … 255; 0: all. */
  readonly blockSize: number;
  /** STmin: least time between the device's frames, ms: whole from 0 to 127, or 0.1 … 0.9. */
  readonly stMin: number;
  /**
   * Extended addressing (mixed addressing looks the same): first byte of the frames
   * that we send, and that we receive. Absent: normal addressing.
   */
  readonly address?: { readonly tx: number; readonly rx: number };
  /** Byte that fills frames up to 8 bytes, 0 … 255. Absent: frames are as short as possible. */
  readonly padding?: number;
  /** Longest frame that we send, bytes: 8, or with CAN FD 12, 16, 20, 24, 32, 48 or 64 as well. */
  readonly frameLength: number;
}

/** Values of the options that may be left out: all frames at once, without pauses. */
export const ISO_TP_DEFAULTS = { blockSize: 0, stMin: 0 } as const;

/**
 * Timeouts of 9.8, ms.
 * - `a`: until the controller has taken our frame (N_As, N_Ar)
 * - `bs`: from our frame to the device's flow control (N_Bs)
 * - `cr`: from the device's frame, or our flow control, to its next frame (N_Cr)
 *
 * N_Br and N_Cs are limits of our own delays: there are none.
 */
export const ISO_TP_TIMEOUTS = { a: 1_000, bs: 1_000, cr: 1_000 } as const;

/** Most flow controls with `wait` in a row (9.7, N_WFTmax). */
export const ISO_TP_MOST_WAITS = 16;

/** Longest packet without the escape length of 9.6.3.1; the longest of many devices on classic CAN. */
export const ISO_TP_CLASSIC_LENGTH = 4_095;
