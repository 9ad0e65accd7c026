/**
 * What `siot-mcu watch`, `siot-mcu set` and others ask of the running gateway,
 * over NATS request/reply on `mcu-gateway.<gatewayID>.<verb>`, as JSON.
 */

export type Verb = 'status' | 'set' | 'confirm';

export const verbSubject = (gatewayId: string, verb: Verb): string =>
  `mcu-gateway.${gatewayId}.${verb}`;

/** A value as JSON carries it (see `plainValue` in point.ts). */
export type PlainValue = number | string | null;

/** Request of `status`; an empty one is for the first page. */
export interface StatusRequest {
  /** Links from this one on, counted from 0, in the order of the first page. */
  readonly linksFrom?: number | undefined;
  /** Only this link… */
  readonly link?: string | undefined;
  /** …with its pending settings from this one on. */
  readonly pendingFrom?: number | undefined;
}

/** Answer to `status`: a page (src/gateway/status-page.ts). */
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

export interface LinkStatus {
  readonly name: string;
  readonly nodeId: string;
  /** Description of the transport, such as `/dev/ttyUSB0 115200 8N1`. */
  readonly transport: string;
  readonly port: 'open' | 'closed' | 'disabled';
  /** Why the port is closed, for people; absent when it is open. */
  readonly portProblem?: string;
  readonly connected: boolean;
  /** The line returns what is sent on it: these packets are left out, and counted as `echo`. */
  readonly echoes: boolean;
  readonly node: 'alive' | 'deleted' | 'unknown';
  /** `signals`: none; a CAN database says what frames mean. */
  readonly codec: 'protobuf' | 'compact' | 'signals' | 'unknown';
  readonly acknowledges: 'yes' | 'no' | 'unknown';
  /** Counters by name, the same names as in logs and points. */
  readonly counters: Readonly<Record<string, number>>;
  readonly pending: readonly PendingSetting[];
  /** So many more are pending behind those, for which the page had no room. */
  readonly pendingLeft?: number;
  /** Things for a person to do, such as "set protocol: compact". */
  readonly advice: readonly string[];
}

export interface PendingSetting {
  readonly type: string;
  readonly key: string;
  /** A long text is cut. */
  readonly value: PlainValue;
  /** Of a text that is cut, in all, as UTF-8. */
  readonly valueBytes?: number;
  /** ns since 1970, as decimal text. */
  readonly time: string;
  readonly deleted: boolean;
  readonly command: boolean;
  /** Why it is still on its way, for people. */
  readonly reason: string;
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
