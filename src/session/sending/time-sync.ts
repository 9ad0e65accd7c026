/** The gateway's time for the device: before everything else that is sent (docs/contract.md, "On every opening"). */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Delivery, SenderClient, SenderEvent, Unanswered } from './client.js';
import type { Outgoing, OutgoingPacket } from './outgoing.js';
import type { ReliableSender } from './sender.js';

const JUST_NOW_MS = 1_000;

/** One `timeSync` is like another, so that this is each of its own deliveries. */
export class TimeSync implements SenderClient, Delivery {
  readonly priority = 0;
  readonly window = 1;
  readonly once = false;
  readonly unhurried = false;
  readonly persistent = false;
  #due = false;
  /** It was acknowledged late, and is sent again for that. */
  #again = false;
  /** Monotonic ms. */
  #ackedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly sender: ReliableSender,
    private readonly outgoing: Outgoing,
    private readonly clock: Clock,
  ) {}

  /** The device is to have the time (again). */
  send(): void {
    this.#due = true;
    this.sender.pump();
  }

  next(): Delivery | undefined {
    return this.#due ? this : undefined;
  }

  probes(): readonly Delivery[] {
    return [this];
  }

  on(event: SenderEvent): void {
    switch (event) {
      case 'opened':
      case 'codecKnown':
      case 'quiet':
      case 'resync':
        this.#due = true;
        return;
      case 'awake':
        // It may have been away for long, unless this is its answer to the probe.
        if (this.clock.monotonicMs() - this.#ackedMs > JUST_NOW_MS) this.#due = true;
        return;
      case 'restarted':
      // All that it is to have again comes with the resync.
    }
  }

  encode(codec: PayloadCodec): OutgoingPacket {
    this.#due = false;
    return this.outgoing.timeSync(this.clock.wallNs(), codec);
  }

  acknowledged(repeated: boolean): void {
    this.#ackedMs = this.clock.monotonicMs();
    // What it acknowledged is as old as the first transmission.
    // Once more only: a device slower than the timeout would get nothing else.
    this.#again = repeated && !this.#again;
    if (this.#again) this.#due = true;
  }

  ackTakenBack(): void {
    this.#due = true;
  }

  unanswered(why: Unanswered): void {
    if (why === 'again') this.#due = true;
  }

  // A time that came too late, or not at all, is not worth sending again.
  transmitted(): void {}
  sentOnce(): void {}
  dropped(): void {}
}
