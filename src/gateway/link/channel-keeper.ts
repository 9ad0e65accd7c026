/** Keeps a link's channel open: retries for ever, independently of other links. */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { within } from '../../point/within.js';
import type { SessionChannel } from '../../session/device-session.js';
import type { Tap } from '../../transport/tap.js';
import type {
  Channel,
  ChannelDiscard,
  TransportError,
  TransportOf,
} from '../../transport/transport.js';

const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;
/** After a channel that was open for so long, the next try comes after the shortest pause. */
const GOOD_AFTER_MS = 5_000;
/** The same reason is logged again only after this time. */
const SAME_REASON_MS = 3_600_000;
/** A host that does not answer must not hold up the end of the gateway. */
const RELEASED_WITHIN_MS = 1_000;
/** Why the channel is closed after {@link ChannelKeeper.stop}, for observers. */
const STOPPED =
  'the gateway has closed it: the link was disabled, changed or removed, or the gateway ends';

/** Takes what the channel reads. */
interface ChannelInput<Unit> {
  /** Its bytes may be used again after the call. `channel` can be paused. */
  data(unit: Unit, channel: ChannelKeeper<Unit>): void;
}

/** Hears what becomes of the channel: of each opening, one {@link opened} and one {@link closed}. */
export interface ChannelHandler {
  opened(): void;
  discarded(cause: ChannelDiscard, detail: object): void;
  closed(): void;
}

/** What a link does with its channel, whatever its units are. */
export type LinkChannel = Pick<
  ChannelKeeper<never>,
  'isOpen' | 'problem' | 'start' | 'stop' | 'retryNow'
>;

/** A channel that is opened again whenever it closes, from {@link start} to {@link stop}. */
export class ChannelKeeper<Unit> implements SessionChannel<Unit> {
  #state:
    | { readonly name: 'stopped' }
    | { readonly name: 'opening' }
    | { readonly name: 'open'; readonly channel: Channel<Unit>; readonly sinceMs: number }
    | { readonly name: 'waiting'; readonly timer: Timer } = { name: 'stopped' };
  #input: ChannelInput<Unit> | undefined;
  #handler: ChannelHandler | undefined;
  #retryMs = RETRY_FIRST_MS;
  #congested = false;
  #problem: string | undefined;
  #saidMs = Number.NEGATIVE_INFINITY;
  /** The opening or closing in progress: stop() waits for it. */
  #busy: Promise<void> = Promise.resolve();
  /** Number of this opening: events of earlier ones are ignored. */
  #opening = 0;

  constructor(
    private readonly transport: TransportOf<Unit>,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly tap: Tap,
  ) {}

  /** Who gets the input and the events. To be called before {@link start}. */
  attach(input: ChannelInput<Unit>, handler: ChannelHandler): void {
    this.#input = input;
    this.#handler = handler;
  }

  get isOpen(): boolean {
    return this.#state.name === 'open';
  }

  /** Why the channel is not open, for people. */
  get problem(): string | undefined {
    return this.isOpen ? undefined : this.#problem;
  }

  /** The transport has not taken all that was written. */
  get congested(): boolean {
    return this.#congested;
  }

  start(): void {
    if (this.#state.name !== 'stopped') return;
    this.#retryMs = RETRY_FIRST_MS;
    this.#open();
  }

  /**
   * Resolves when the device is released. An opening that takes its time is not
   * waited for: what comes of it is closed at once.
   */
  async stop(): Promise<void> {
    const state = this.#state;
    if (state.name !== 'stopped') this.tap.closed(STOPPED);
    this.#state = { name: 'stopped' };
    this.#opening += 1;
    if (state.name === 'waiting') state.timer.cancel();
    if (state.name === 'open') {
      this.#handler?.closed();
      const { channel } = state;
      this.#busy = this.#busy.then(() => channel.close());
    }
    await within(RELEASED_WITHIN_MS, this.clock, this.#busy);
  }

  /** The device was plugged in: ends the pause before the next try. */
  retryNow(): void {
    if (this.#state.name !== 'waiting') return;
    this.#state.timer.cancel();
    this.#retryMs = RETRY_FIRST_MS;
    this.#open();
  }

  write(unit: Unit): void {
    if (this.#state.name !== 'open') return;
    if (!this.#state.channel.write(unit)) this.#congested = true;
  }

  /** Nothing more until {@link resume}. */
  pause(): void {
    if (this.#state.name === 'open') this.#state.channel.pause();
  }

  resume(): void {
    if (this.#state.name === 'open') this.#state.channel.resume();
  }

  #open(): void {
    this.#state = { name: 'opening' };
    const opening = ++this.#opening;
    // A closing that is still under way holds the device.
    this.#busy = this.#busy.then(() => this.#tryOpen(opening));
  }

  async #tryOpen(opening: number): Promise<void> {
    const current = (): boolean => this.#opening === opening;
    if (!current()) return;
    let channel: Channel<Unit>;
    try {
      channel = await this.transport.open({
        data: (unit) => {
          if (current()) this.#input?.data(unit, this);
        },
        discarded: (cause, detail) => {
          if (!current()) return;
          this.tap.discarded(cause);
          this.#handler?.discarded(cause, detail);
        },
        closed: (cause) => {
          if (current()) this.#closed(cause);
        },
        warning: (message) => this.log.warn({}, message),
        drained: () => {
          if (current()) this.#congested = false;
        },
        tap: this.tap,
      });
    } catch (error) {
      if (!current()) return;
      this.#failed(error instanceof Error ? error.message : String(error));
      this.#retry();
      return;
    }
    if (!current()) {
      await channel.close();
      return;
    }
    this.#congested = false;
    this.#problem = undefined;
    this.#state = { name: 'open', channel, sinceMs: this.clock.monotonicMs() };
    this.log.info({ transport: this.transport.description }, 'port is open');
    this.tap.opened(this.transport.description);
    this.#handler?.opened();
  }

  #closed(cause: TransportError | undefined): void {
    const state = this.#state;
    if (state.name !== 'open') return;
    if (this.clock.monotonicMs() - state.sinceMs >= GOOD_AFTER_MS) this.#retryMs = RETRY_FIRST_MS;
    this.#problem = cause?.message ?? 'the port was closed';
    this.#saidMs = this.clock.monotonicMs();
    this.log.warn({ reason: this.#problem }, 'port is gone');
    this.tap.closed(this.#problem);
    this.#handler?.closed();
    this.#retry();
  }

  #failed(reason: string): void {
    const now = this.clock.monotonicMs();
    if (reason !== this.#problem || now - this.#saidMs > SAME_REASON_MS) {
      this.#saidMs = now;
      this.log.warn({ reason }, 'port cannot be opened; trying again and again');
      this.tap.closed(reason);
    }
    this.#problem = reason;
  }

  #retry(): void {
    const timer = this.clock.setTimer(this.#retryMs, () => this.#open());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LONGEST_MS);
    this.#state = { name: 'waiting', timer };
  }
}
