/**
 * What can be asked of the running gateway, and how it answers. The interface is
 * one; faces carry it: nats/ and socket/, by which the commands ask. A face reads
 * requests and writes answers in its own form, and decides nothing else.
 */
import type { PointInfo } from '../../point/point-info.js';
import type { PlainValue } from '../../point/point.js';
import type { LogLevel } from '../../session/node/log-level.js';
import type { FileProgress } from '../../session/files/file.js';
import type { SiotStatus } from '../../siot/siot.js';
import type { TapEvent } from '../../transport/tap.js';
import type { LinkFormat } from '../link/format.js';
import type { LinkStatus, LinkSummary, LinkView } from '../link/status.js';
import type { TimeBudget } from './time-budget.js';

/** The control interface. Its implementation is `GatewayControl`. */
export interface Control {
  /** How the gateway and its links are now; a copy, made in {@link statusTime}. */
  status(): GatewayStatus;

  /**
   * As {@link status}, for a caller that reads a part of it: the list of what is
   * pending is made while it is read, in {@link statusTime}.
   */
  view(): GatewayView;

  /** The time for answers about the status, of all faces together. */
  readonly statusTime: TimeBudget;

  /**
   * Why {@link set} would refuse a request of so many bytes now; undefined: it would
   * not. A face asks before it parses a request, to save the work for one that is refused.
   */
  setRefusal(bytes: number): Refused | undefined;

  /**
   * Changes a point of a link through SIOT, and follows it until its device has
   * it. `answered` gets each {@link SetReply}, in order. Resolves, and never
   * rejects, when SIOT and the disk of the gateway have the setting or it is
   * refused; answers about its way to the device may come later. After `until`
   * nothing is followed any more. A request is also refused while too many bytes of
   * earlier ones wait for SIOT and the disk.
   */
  set(request: SetRequest, answered: (reply: SetReply) => void, until: AbortSignal): Promise<void>;

  /**
   * What is known of the points of a link, by the configuration and by what the device
   * announces; made in {@link statusTime}, and refused while that is spent. A face
   * that shows points asks again when `pointsVersion` of the link has changed.
   */
  pointInfo(request: PointInfoRequest): PointInfoReply;

  /** The board that is plugged in now is the right one for a link of type `usb`. */
  confirm(request: ConfirmRequest): ConfirmReply;

  /**
   * Tells `observer` what crosses a link from now on, until `until` is aborted: also
   * when the link is made anew, since its configuration has changed.
   */
  observe(request: ObserveRequest, observer: LinkObserver, until: AbortSignal): ObserveReply;

  /** Log lines of a link's device, as far as they are kept. `mostBytes`: of the reply, as JSON. */
  logs(request: LogsRequest, mostBytes: number): LogsReply;

  /**
   * Calls `removed` each time that a link of this name has ended and is not made anew,
   * until the returned function is called.
   */
  watchRemovals(link: string, removed: () => void): () => void;

  /** What is kept of restarts of a link's device. Never rejects. */
  restarts(request: RestartsRequest): Promise<RestartsReply>;

  /**
   * Sends a file to the device of a link, in the steps of {@link FileRequest}. Resolves,
   * and never rejects.
   */
  file(request: FileRequest): Promise<FileReply>;

  /**
   * The node of a link, or the gateway's own, that somebody deleted in SIOT lives again.
   * Resolves within {@link UNDELETE_WITHIN_MS}, and never rejects.
   */
  undelete(request: UndeleteRequest): Promise<UndeleteReply>;
}

/** Who the gateway is. */
export interface GatewayIdentity {
  readonly id: string;
  readonly description: string;
  /** Of the program. */
  readonly version: string;
}

/** Points that SIOT, or NATS where there is no store, has not taken yet; of all links. */
export interface OutboxBacklog {
  readonly points: number;
  /** On disk, or in memory where the outbox is there. */
  readonly bytes: number;
  /** Age of the oldest by its own time, ms; absent: there is none. */
  readonly oldestMs?: number;
}

/** Of the gateway and all its links; the same for people and for programs. */
export interface GatewayStatus {
  readonly gateway: GatewayIdentity & {
    /** ms since the program was started. */
    readonly uptimeMs: number;
    readonly outbox: OutboxBacklog;
  };
  readonly siot: {
    /** Wire generation in use now. */
    readonly generation: SiotStatus['generation'];
    /** `answers`: a store replies; `expected`: one did before or is required, and does not now; `none`. */
    readonly store: SiotStatus['store'];
    /** Why SIOT takes no points, has no nodes for new links, or cannot list one, for people. */
    readonly problem?: string;
  };
  readonly nats: {
    readonly state: SiotStatus['nats'];
    /** Host and port of the server that the gateway is connected to; of a cluster it may be any. */
    readonly server?: string;
    /** Why there is no connection, or what NATS does not permit, for people. */
    readonly problem?: string;
  };
  readonly links: readonly LinkStatus[];
}

/** As {@link GatewayStatus}; what is pending of a link is made while it is read. */
export interface GatewayView extends Omit<GatewayStatus, 'links'> {
  readonly links: readonly LinkView[];
}

/** Request of {@link Control.set}: one point of a link, and the value that it is to have. */
export interface SetRequest {
  /** Name of the link. */
  readonly link: string;
  readonly type: string;
  readonly key: string;
  readonly value:
    | { readonly kind: 'float'; readonly number: number }
    /** Decimal, within 64 bits. */
    | { readonly kind: 'int'; readonly integer: string }
    | { readonly kind: 'string' | 'json'; readonly text: string }
    | { readonly kind: 'none' }
    /** A person's word: a number or text, by what the device reports of the point. */
    | { readonly kind: 'word'; readonly text: string };
}

/** Request of {@link Control.pointInfo}. */
export interface PointInfoRequest {
  /** Name of the link. */
  readonly link: string;
}

/** What is known of one point, or of all points of a type of which nothing else is known. */
export interface PointInfoEntry extends PointInfo {
  readonly type: string;
  /** As stores keep it: `0` for a blank one. Absent: all keys that have no entry of their own. */
  readonly key?: string;
}

/** Answer to {@link Control.pointInfo}. An entry with a key has all that is known of the type as well. */
export type PointInfoReply =
  | {
      readonly state: 'points';
      /** `pointsVersion` of the link; absent: nothing is known. */
      readonly version?: string;
      readonly points: readonly PointInfoEntry[];
    }
  | Refused;

/** Request of {@link Control.confirm}. */
export interface ConfirmRequest {
  /** Name of the link. */
  readonly link: string;
}

/**
 * Request of {@link Control.file}. A file is given in pieces: `begin`, then each `chunk`
 * when the one before it was answered, then `send`, from when on the gateway has it.
 */
export type FileRequest = {
  /** Name of the link. */
  readonly link: string;
} & (
  | { readonly do: 'begin'; readonly name: string; readonly size: number }
  | {
      readonly do: 'chunk';
      /** As the answer to `begin` has it. */
      readonly upload: string;
      /** Offset in the file, bytes. */
      readonly at: number;
      readonly bytes: Uint8Array;
    }
  /** `sha256`: of the whole file, hex. */
  | { readonly do: 'send'; readonly upload: string; readonly sha256: string }
  /** How far the file is. */
  | { readonly do: 'look' }
  /** With `upload`: forgets what was given of that file. Without: ends the file that is being sent. */
  | { readonly do: 'abort'; readonly upload?: string | undefined }
);

/** Answer to {@link Control.file}. */
export type FileReply =
  /** To `begin` and `chunk`. */
  | { readonly state: 'given'; readonly upload: string }
  /** To the others. `file` absent: none was sent since the gateway knows the link. */
  | { readonly state: 'file'; readonly file?: FileProgress }
  | Refused;

/** Request of {@link Control.observe}. */
export interface ObserveRequest {
  /** Name of the link. */
  readonly link: string;
}

/** Answer to {@link Control.observe}. */
export type ObserveReply = { readonly state: 'observed'; readonly link: ObservedLink } | Refused;

/** A link that is observed, as it is now. */
export interface ObservedLink extends Pick<LinkSummary, 'name' | 'transport' | 'port'> {
  /** Why the port is closed, for people. */
  readonly problem?: string;
  readonly format: LinkFormat;
}

/** Observes a link. */
export interface LinkObserver {
  /** As `TapObserver.tapped`. */
  observed(event: LinkEvent): void;
}

/** What an observer of a link hears. */
export type LinkEvent =
  | TapEvent
  /** The link was made anew, with another format: what follows is to be read so. */
  | { readonly kind: 'link'; readonly link: ObservedLink }
  /** The configuration has no such link any more. */
  | { readonly kind: 'removed' };

/** Request of {@link Control.logs}. */
export interface LogsRequest {
  /** Name of the link. */
  readonly link: string;
  /** Lines not older than this by the gateway's clock, ms; absent: all that are kept. */
  readonly sinceMs?: number | undefined;
  /** Lines that are at least as bad; those whose level is not recognised are left out then. */
  readonly level?: LogLevel | undefined;
  /** As an earlier reply said it: only what came later. */
  readonly after?: LogPlace | undefined;
}

/** A place in the lines of a device. */
export interface LogPlace {
  /** Of which lines: a gateway that was restarted counts anew. */
  readonly of: string;
  readonly place: number;
  /** Of the last line before it, ns since 1970, decimal. */
  readonly time: string;
}

/** A log line of a device. */
export interface LogEntry {
  /** When the gateway received it, ns since 1970, decimal. */
  readonly time: string;
  /** Null: not recognised. */
  readonly level: LogLevel | null;
  /** Without colours. */
  readonly text: string;
}

/** Answer to {@link Control.logs}: the first lines of what was asked for. */
export type LogsReply =
  | {
      readonly state: 'logs';
      readonly lines: readonly LogEntry[];
      /** For a later request. */
      readonly next: LogPlace;
      /** There are more, from `next` on. */
      readonly more: boolean;
      /** Lines after `after` that are not kept any more: who reads slowly loses them. */
      readonly lost: number;
    }
  | Refused;

/** Request of {@link Control.restarts}. */
export interface RestartsRequest {
  /** Name of the link. */
  readonly link: string;
}

/** A restart of which the gateway has kept something. */
export interface RestartEntry {
  /** When it was noticed, ns since 1970, decimal. */
  readonly time: string;
  /** Of its file, on the gateway's machine. */
  readonly path: string;
  /** Why the device was thought to have restarted, for people. */
  readonly why: string;
}

/** Answer to {@link Control.restarts}: the oldest first. */
export type RestartsReply =
  { readonly state: 'restarts'; readonly restarts: readonly RestartEntry[] } | Refused;

/** Longest time until {@link Control.undelete} answers, ms. */
export const UNDELETE_WITHIN_MS = 20_000;

/** Request of {@link Control.undelete}. */
export type UndeleteRequest =
  | {
      /** Name of the link. */
      readonly link: string;
    }
  | { readonly gateway: true };

/** Answer to {@link Control.undelete}. */
export type UndeleteReply =
  | { readonly state: 'undeleted'; readonly parents: readonly NodeParent[] }
  /** SIOT has not confirmed it; the reason is for people. */
  | { readonly state: 'unconfirmed'; readonly reason: string }
  | Refused;

/** A node below which another one lives. */
export interface NodeParent {
  readonly nodeId: string;
  /** In SIOT; blank if it has none. */
  readonly description: string;
  /** Why the other node is not seen below it, for people; absent: it is. */
  readonly hidden?: string;
}

/** Nothing was done; the reason is for people. */
export interface Refused {
  readonly state: 'refused';
  readonly reason: string;
}

/** Answer to {@link Control.confirm}. */
export type ConfirmReply = { readonly state: 'confirmed' } | Refused;

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
  /** SIOT and the disk have it. `time`: of its point, ns since 1970, decimal. */
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
  | Refused;

/** No answer follows this one. */
export const isFinalSetReply = (reply: SetReply): boolean =>
  reply.state === 'acknowledged'
    ? reply.report !== 'awaited'
    : reply.state !== 'accepted' && reply.state !== 'waiting';
