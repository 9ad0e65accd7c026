import type { GatewayStatus } from '../control.js';

/** Request of `status`; an empty one is for the first page. */
export interface StatusRequest {
  /** Links from this one on, counted from 0, in the order of the first page. */
  readonly linksFrom?: number | undefined;
  /** Only this link… */
  readonly link?: string | undefined;
  /** …with its pending settings from this one on. */
  readonly pendingFrom?: number | undefined;
}

/** Answer to `status`: a page (status-page.ts). */
export interface StatusReply extends GatewayStatus {
  /** So many links behind those of this page had no room in it. */
  readonly linksLeft?: number;
}
