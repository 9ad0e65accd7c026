/**
 * What `siot-mcu watch`, `siot-mcu set` and others ask of the running gateway,
 * over NATS request/reply on `mcu-gateway.<gatewayID>.<verb>`, as JSON.
 */
import type { PlainValue } from '../../point/point.js';
import type { LinkStatus } from '../link/status.js';

export type Verb = 'status' | 'set' | 'confirm';

export const verbSubject = (gatewayId: string, verb: Verb): string =>
  `mcu-gateway.${gatewayId}.${verb}`;

/** Request of `status`; an empty one is for the first page. */
export interface StatusRequest {
  /** Links from this one on, counted from 0, in the order of the first page. */
  readonly linksFrom?: number | undefined;
  /** Only this link… */
  readonly link?: string | undefined;
  /** …with its pending settings from this one on. */
  readonly pendingFrom?: number | undefined;
}

/** Answer to `status`: a page (src/gateway/control/status-page.ts). */
export interface StatusReply {
  readonly gateway: { readonly id: string; readonly description: string; readonly version: string };
  readonly siot: {
    /** Wire generation in use now. */
    readonly generation: 1 | 2;
    /** `answers`: a store replies; `expected`: one did before or is required, and does not now; `none`. */
    readonly store: 'answers' | 'expected' | 'none';
    /** Why SIOT takes no points, has no nodes for new links, or cannot list one, for people. */
    readonly problem?: string;
  };
  readonly nats: {
    readonly state: 'connected' | 'connecting' | 'refused';
    /** Host and port of the server that the gateway is connected to; of a cluster it may be any. */
    readonly server?: string;
    /** Why there is no connection, or what NATS does not permit, for people. */
    readonly problem?: string;
  };
  readonly links: readonly LinkStatus[];
  /** So many links behind those of this page had no room in it. */
  readonly linksLeft?: number;
}

/** Request of `set`. */
export interface SetRequest {
  readonly link: string;
  readonly type: string;
  readonly key: string;
  readonly value:
    | { readonly kind: 'float'; readonly number: number }
    | { readonly kind: 'int'; readonly integer: string }
    | { readonly kind: 'string' | 'json'; readonly text: string }
    | { readonly kind: 'none' }
    /** A person's word: a number or text, by what the device reports of the point. */
    | { readonly kind: 'word'; readonly text: string };
}

/** Request of `confirm`: the board that is plugged in now is the right one. */
export interface ConfirmRequest {
  readonly link: string;
}

/** Answer to `confirm`. */
export type ConfirmReply =
  { readonly state: 'confirmed' } | { readonly state: 'refused'; readonly reason: string };

/** What the device has reported of a point since it was set. */
export interface SettingReport {
  readonly value: PlainValue;
  /** It is what was set, as the device's codec rounds it. */
  readonly equal: boolean;
}

/**
 * Answers to `set`, several for one request: `accepted`, then `waiting` each
 * time the reason changes, then one of the others, after which none follows,
 * except after `acknowledged` while the device's report is awaited.
 */
export type SetReply =
  | { readonly state: 'accepted'; readonly time: string }
  | { readonly state: 'waiting'; readonly reason: string }
  | {
      readonly state: 'acknowledged';
      /** `bus`: it has taken the frame; `gateway`: it acts on the link itself, at once. */
      readonly by?: 'device' | 'bus' | 'gateway';
      /** What the device reports; `none`: nothing in time. Absent: no report is waited for. */
      readonly report?: 'awaited' | 'none' | SettingReport;
    }
  /** Sent as often as allowed and never acknowledged; it may or may not have arrived. */
  | { readonly state: 'unconfirmed'; readonly reason: string; readonly report?: SettingReport }
  /** A newer setting, or the device itself, took its place. */
  | { readonly state: 'replaced'; readonly reason: string }
  | { readonly state: 'refused'; readonly reason: string };

export const isFinalSetReply = (reply: SetReply): boolean =>
  reply.state === 'acknowledged'
    ? reply.report !== 'awaited'
    : reply.state !== 'accepted' && reply.state !== 'waiting';
