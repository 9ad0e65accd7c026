/** What the decoder gives the traffic of a link to: a reader for each format of a link. */
import type { LinkEvent } from '../../gateway/control/control.js';
import type { TapDirection } from '../../transport/transport.js';
import type { Decoded } from './decoded.js';

export type CrossingEvent = Extract<LinkEvent, { readonly kind: 'bytes' | 'frame' }>;

/** Takes what is found. */
export type Out = (decoded: Decoded) => void;

/** What is found in what crosses the link. */
export interface Reader {
  unit(event: CrossingEvent): void;
  /** Nothing has crossed the link in this direction for `STREAM_IDLE_MS` (byte-stream.ts). */
  idle(direction: TapDirection): void;
  /** The channel is open again. */
  opened(): void;
  /** The channel is closed. */
  closed(): void;
  /** Units are missing. */
  missed(): void;
}
