/**
 * What crosses the channels of a link, for observers: captures, and people at a bench.
 * The channel next to the device tells each unit: chunks of a stream of bytes, or
 * frames with their identifiers. So flow control of ISO-TP is there too.
 *
 * ```
 *  device ─► SocketChannel, openCanChannel ─► FrameStream, IsoTpTransport ─► ChannelKeeper
 *                    │ bytes(), frame()                 opened(), closed() │
 *                    └──────────────────────► Tap ◄───────────────────────┘
 *                                              └─► observers
 * ```
 *
 * While nobody observes, a unit costs a comparison with {@link Tap.isObserved}: nothing
 * is copied, and no time is read.
 */
import type { Clock } from '../point/clock.js';
import type { CanFrame } from './frame.js';
import type { ChannelDiscard, ChannelTap, TapDirection } from './transport.js';

/** When something crossed a channel. */
interface TapTime {
  /** Of `Clock.monotonicMs`. */
  readonly monotonicMs: number;
  /** ns since 1970, UTC. */
  readonly wallNs: bigint;
}

/** A unit that has crossed a channel. */
type TapUnit =
  | { readonly kind: 'bytes'; readonly direction: TapDirection; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly direction: TapDirection; readonly frame: CanFrame };

/** What an observer hears. */
export type TapEvent = TapTime &
  (
    | TapUnit
    /** `transport`: its description, for people. */
    | { readonly kind: 'opened'; readonly transport: string }
    /** The channel is closed, or could not be opened. `reason`: for people. */
    | { readonly kind: 'closed'; readonly reason: string }
    /** The channel threw away a frame that it had received. */
    | { readonly kind: 'discarded'; readonly cause: ChannelDiscard }
  );

/** Observes the channels of a link. */
export interface TapObserver {
  /** Must not throw, nor do much: the device waits. The bytes of a unit are valid during the call only. */
  tapped(event: TapEvent): void;
}

/** The tap of one link, for all its channels. */
export class Tap implements ChannelTap {
  isObserved = false;
  #observers: readonly TapObserver[] = [];

  constructor(private readonly clock: Clock) {}

  /** From now on until the returned function is called. */
  observe(observer: TapObserver): () => void {
    // Another one for the same observer: each end is its own.
    const own: TapObserver = { tapped: (event) => observer.tapped(event) };
    this.#set([...this.#observers, own]);
    return () => this.#set(this.#observers.filter((one) => one !== own));
  }

  bytes(direction: TapDirection, bytes: Uint8Array): void {
    this.#tell({ ...this.#now(), kind: 'bytes', direction, bytes });
  }

  frame(direction: TapDirection, frame: CanFrame): void {
    this.#tell({ ...this.#now(), kind: 'frame', direction, frame });
  }

  opened(transport: string): void {
    if (this.isObserved) this.#tell({ ...this.#now(), kind: 'opened', transport });
  }

  closed(reason: string): void {
    if (this.isObserved) this.#tell({ ...this.#now(), kind: 'closed', reason });
  }

  discarded(cause: ChannelDiscard): void {
    if (this.isObserved) this.#tell({ ...this.#now(), kind: 'discarded', cause });
  }

  #set(observers: readonly TapObserver[]): void {
    this.#observers = observers;
    this.isObserved = observers.length > 0;
  }

  #now(): TapTime {
    return { monotonicMs: this.clock.monotonicMs(), wallNs: this.clock.wallNs() };
  }

  #tell(event: TapEvent): void {
    for (const observer of this.#observers) observer.tapped(event);
  }
}
