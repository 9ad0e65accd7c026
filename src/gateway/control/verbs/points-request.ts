import type { PointInfoReply, PointInfoRequest, Refused } from '../control.js';

/** Request of `points`. */
export interface PointsRequest extends PointInfoRequest {
  /** Entries from this one on, counted from 0. */
  readonly from?: number | undefined;
}

/** Answer to `points`: a page. */
export type PointsReply =
  | (Exclude<PointInfoReply, Refused> & {
      /** So many entries behind those of this page had no room in it. */
      readonly pointsLeft?: number;
    })
  | Refused;
