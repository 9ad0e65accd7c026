/** The traffic of a link as the verb `raw` tells it: in JSON, with bytes in base64. */
import type { CanFrame } from '../../../transport/frame.js';
import type { TapEvent } from '../../../transport/tap.js';
import type { TapDirection } from '../../../transport/transport.js';
import type { LinkEvent, ObservedLink, ObserveReply, ObserveRequest } from '../control.js';

/** Request of `raw`. */
export type RawRequest = ObserveRequest;

/** Answers to `raw`: the first says how the link is, or refuses; those that follow have its traffic. */
export type RawReply =
  ObserveReply | { readonly state: 'traffic'; readonly events: readonly RawEvent[] };

/** What an asker hears: what crosses the link, and what was left out on the way. */
export type TrafficEvent = LinkEvent | LostTraffic;

/** The asker has read too slowly. */
export interface LostTraffic {
  readonly kind: 'lost';
  /** Of the first that is left out, ns since 1970, UTC. */
  readonly wallNs: bigint;
  /** Chunks, frames and other events that are left out. */
  readonly units: number;
  /** In these chunks and frames. */
  readonly bytes: number;
}

interface RawTime {
  /** ns since 1970, decimal. */
  readonly time: string;
  /** Of the gateway's monotonic clock. */
  readonly ms: number;
}

/** An event without its times. */
type Content<Event> = Event extends unknown ? Omit<Event, 'monotonicMs' | 'wallNs'> : never;

/** A {@link TrafficEvent} in JSON. */
export type RawEvent =
  | (RawTime &
      (
        | { readonly kind: 'bytes'; readonly direction: TapDirection; readonly data: string }
        | {
            readonly kind: 'frame';
            readonly direction: TapDirection;
            readonly frame: Omit<CanFrame, 'data' | 'time'>;
            readonly data: string;
          }
        | Content<Extract<TapEvent, { readonly kind: 'opened' | 'closed' | 'discarded' }>>
      ))
  | { readonly kind: 'link'; readonly link: ObservedLink }
  | { readonly kind: 'removed' }
  | (Pick<RawTime, 'time'> & Omit<LostTraffic, 'wallNs'>);

/** The event in JSON; a copy. */
export function rawEvent(event: TrafficEvent): RawEvent {
  switch (event.kind) {
    case 'link':
    case 'removed':
      return event;
    case 'lost': {
      const { wallNs, ...rest } = event;
      return { ...rest, time: String(wallNs) };
    }
    default: {
      const { monotonicMs, wallNs, ...rest } = event;
      return { time: String(wallNs), ms: monotonicMs, ...rawContent(rest) };
    }
  }
}

function rawContent(event: Content<TapEvent>) {
  switch (event.kind) {
    case 'bytes':
      return { kind: event.kind, direction: event.direction, data: base64(event.bytes) };
    case 'frame': {
      const { data, time: _, ...frame } = event.frame;
      return { kind: event.kind, direction: event.direction, frame, data: base64(data) };
    }
    default:
      return event;
  }
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');

/** The event of {@link rawEvent}. */
export function trafficEvent(event: RawEvent): TrafficEvent {
  switch (event.kind) {
    case 'link':
    case 'removed':
      return event;
    case 'lost': {
      const { time, ...rest } = event;
      return { ...rest, wallNs: BigInt(time) };
    }
    case 'bytes': {
      const { time, ms, data, ...rest } = event;
      return { ...rest, ...times(time, ms), bytes: Buffer.from(data, 'base64') };
    }
    case 'frame': {
      const { time, ms, data, frame, ...rest } = event;
      const bytes = Buffer.from(data, 'base64');
      return { ...rest, ...times(time, ms), frame: { ...frame, data: bytes } };
    }
    default: {
      const { time, ms, ...rest } = event;
      return { ...rest, ...times(time, ms) };
    }
  }
}

const times = (time: string, ms: number) => ({ monotonicMs: ms, wallNs: BigInt(time) });
