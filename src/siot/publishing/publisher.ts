import type { Outbox, OutboxLane } from '../../outbox/outbox.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';
import type { Point } from '../../point/point.js';
import { ConfirmedByNats } from '../connection/answered-publisher.js';
import { BarrierSender } from './barrier-sender.js';
import type { Connection } from '../connection/connection.js';
import type {
  DropCause,
  NodeNames,
  PublishHost,
  PublishState,
  Suspicion,
  Totals,
} from './publish-state.js';
import { PublishWindow } from './publish-window.js';
import type { Sender } from './sender.js';
import { StatusPoints } from './status-points.js';
import { WindowSender } from './window-sender.js';
import type { SiotWire } from '../wire/wire.js';

/** How points are published now. */
type PublishMode =
  /** Not at all: there is no connection, or it is not known yet whether a store answers. */
  | { readonly kind: 'paused' }
  /** There is no store: a point is delivered when NATS has processed it. */
  | { readonly kind: 'withoutStore'; readonly wire: SiotWire }
  /** A point is delivered when the store has confirmed it. */
  | { readonly kind: 'withStore'; readonly wire: SiotWire };

interface PublisherOptions {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly host: PublishHost & NodeNames;
}

/** Maximum number of pairs of node and cause that have log lines of their own about dropped points. */
const MOST_DROP_LINES = 1_000;
/** Interval at which it is checked whether the last points of a removed node are delivered, ms. */
const LEFT_LOOK_EVERY_MS = 1_000;

/**
 * Publishes status points, of which only the latest value counts, and then the points of
 * the outbox. With each change of {@link mode} another sender begins, with all points that
 * are not delivered.
 */
export class Publisher implements PublishHost {
  readonly #options: PublisherOptions;
  readonly #states = new Map<string, PublishState>();
  readonly #held = new Set<string>();
  readonly #discarded = new Set<string>();
  readonly #status = new StatusPoints(this.#held);
  /** Lanes that have got points in this turn of the loop. */
  readonly #due = new Set<PublishState>();
  readonly #totals: Totals = { accepted: 0 };
  readonly #window: PublishWindow;
  #mode: PublishMode = { kind: 'paused' };
  /** NATS has denied something. To find out which message it was, each is confirmed alone. */
  #oneByOne = false;
  #sender: Sender | undefined;
  /** Nodes whose link was removed, with points that are still to be delivered. */
  readonly #leaving = new Set<string>();
  #leftLook: Timer | undefined;
  readonly #droppedLines: LogRateLimiter;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#window = new PublishWindow(options.clock);
    this.#droppedLines = new LogRateLimiter(options.clock, { most: MOST_DROP_LINES });
    options.outbox.onPut = this.#onPut;
    for (const lane of options.outbox.lanes()) this.#stateOf(lane);
  }

  /** See {@link Totals.accepted}. */
  get accepted(): number {
    return this.#totals.accepted;
  }

  /** Whether everything is delivered. */
  get idle(): boolean {
    if (this.#status.size > 0) return false;
    for (const state of this.#states.values()) if (state.lane.length > 0) return false;
    return true;
  }

  /** As {@link idle}, for one node. */
  idleOf(nodeId: string): boolean {
    return (this.#states.get(nodeId)?.lane.length ?? 0) === 0 && !this.#status.has(nodeId);
  }

  get mode(): PublishMode {
    return this.#mode;
  }

  set mode(mode: PublishMode) {
    this.#mode = mode;
    if (mode.kind === 'paused') {
      // The store may still confirm points that were sent before.
      this.#sender?.suspend();
      for (const { lane } of this.#states.values()) lane.claimBefore(0);
      this.#oneByOne = false;
      return;
    }
    this.#begin(mode);
  }

  /** NATS does not permit what was published on this subject. */
  denied(subject: string): void {
    // Requests and replies have other subjects than points.
    if (!subject.startsWith('p.')) return;
    const mode = this.#mode;
    this.#sender?.denied(subject);
    if (mode.kind !== 'withoutStore' || this.#oneByOne) return;
    this.#oneByOne = true;
    this.#begin(mode);
  }

  #begin(mode: Exclude<PublishMode, { kind: 'paused' }>): void {
    this.#sender?.stop();
    this.#window.restart();
    this.#sender = this.#makeSender(mode);
    this.#status.restart();
    for (const state of this.#states.values()) state.cursor = state.lane.first;
    this.#sender.status();
    this.#sender.lanes([...this.#states.values()].filter(({ lane }) => lane.length > 0));
  }

  /** Makes the points of a node wait until the node has been read, or publishes them. */
  hold(nodeId: string, held: boolean): void {
    if (held) this.#held.add(nodeId);
    else if (this.#held.delete(nodeId)) this.#sender?.status();
    const state = this.#states.get(nodeId);
    if (state === undefined || state.held === held) return;
    state.held = held;
    if (!held) this.#sender?.lanes([state]);
  }

  /** True: drops all points of a node, since somebody deleted it in SIOT. False: the node was undeleted. */
  discard(nodeId: string, discarded: boolean): void {
    if (discarded) this.#discarded.add(nodeId);
    else this.#discarded.delete(nodeId);
    if (discarded) this.#status.drop(nodeId);
    const state = this.#states.get(nodeId);
    if (state === undefined) return;
    state.discarded = discarded;
    if (discarded) this.#discardAll(state);
  }

  /** Publishes points of which only the latest value counts. They overtake the outbox. */
  putStatus(nodeId: string, points: readonly Point[]): void {
    if (this.#discarded.has(nodeId)) return;
    for (const point of points) this.#status.put(nodeId, point);
    this.#sender?.status();
  }

  /** A link with that node was added. It may have been removed before. */
  join(nodeId: string): void {
    this.#leaving.delete(nodeId);
  }

  /** The node's link was removed. The node is forgotten when its last points are delivered. */
  leave(nodeId: string): void {
    this.#leaving.add(nodeId);
    this.#forgetLeft();
  }

  #forgetLeft(): void {
    this.#leftLook?.cancel();
    this.#leftLook = undefined;
    for (const nodeId of this.#leaving) if (this.idleOf(nodeId)) this.#forget(nodeId);
    if (this.#leaving.size === 0) return;
    this.#leftLook = this.#options.clock.setTimer(LEFT_LOOK_EVERY_MS, () => this.#forgetLeft());
  }

  #forget(nodeId: string): void {
    this.#leaving.delete(nodeId);
    this.#discarded.delete(nodeId);
    const state = this.#states.get(nodeId);
    if (state === undefined) return;
    this.#due.delete(state);
    this.#sender?.forget(state);
    this.#states.delete(nodeId);
  }

  stop(): void {
    this.#leftLook?.cancel();
    this.#sender?.stop();
    this.#sender = undefined;
    const { outbox } = this.#options;
    if (outbox.onPut === this.#onPut) outbox.onPut = undefined;
  }

  readonly #onPut = (lane: OutboxLane): void => {
    const state = this.#stateOf(lane);
    if (state.discarded) this.#discardAll(state);
    else this.#publishSoon(state);
  };

  /**
   * Publishes what all lanes get in this turn of the loop together: one write to the server
   * has it all, and the PING that confirms it. A write costs more than a point.
   */
  #publishSoon(state: PublishState): void {
    if (this.#sender === undefined) return;
    if (state.lane.claimed !== Number.POSITIVE_INFINITY) {
      // Only the newest is kept of what waits here. What can go out now does not wait.
      this.#sender.lanes([state]);
      return;
    }
    if (this.#due.size === 0) {
      setImmediate(() => {
        const due = [...this.#due];
        this.#due.clear();
        this.#sender?.lanes(due);
      });
    }
    this.#due.add(state);
  }

  #stateOf(lane: OutboxLane): PublishState {
    let state = this.#states.get(lane.nodeId);
    if (state?.lane !== lane) {
      state = {
        lane,
        held: this.#held.has(lane.nodeId),
        discarded: this.#discarded.has(lane.nodeId),
        cursor: lane.first,
        retryStates: new Map(),
      };
      this.#states.set(lane.nodeId, state);
    }
    return state;
  }

  #discardAll(state: PublishState): void {
    const { lane } = state;
    this.#due.delete(state);
    this.#sender?.forget(state);
    const points: Point[] = [];
    for (let at = lane.first; at < lane.next; at++) {
      const point = lane.read(at);
      if (point !== undefined) points.push(point);
    }
    lane.settleThrough(lane.next - 1);
    state.cursor = lane.next;
    state.retryStates.clear();
    if (points.length > 0) this.dropped(lane.nodeId, 'nodeDeleted', points, 'its node is deleted');
  }

  #makeSender(mode: Exclude<PublishMode, { kind: 'paused' }>): Sender {
    const { connection, clock, random } = this.#options;
    const given = {
      wire: mode.wire,
      status: this.#status,
      clock,
      window: this.#window,
      host: this,
    };
    if (mode.kind === 'withoutStore' && !this.#oneByOne) {
      return new BarrierSender({ ...given, connection });
    }
    const withStore = mode.kind === 'withStore';
    return new WindowSender({
      ...given,
      random,
      totals: this.#totals,
      publisher: withStore ? connection : new ConfirmedByNats(connection),
    });
  }

  // What senders tell -----------------------------------------------------------

  suspect(why: Suspicion): void {
    const mode = this.#mode;
    if (mode.kind === 'withStore') this.#options.host.suspect(why);
    // NATS itself is not searched for: if it is gone, the connection ends.
    else if (mode.kind === 'withoutStore') this.#begin(mode);
  }

  withholds(nodeId: string, point: Point): boolean {
    return this.#options.host.withholds(nodeId, point);
  }

  dropped(nodeId: string, cause: DropCause, points: readonly Point[], why: string): void {
    this.#options.host.dropped(nodeId, cause, points, why);
    const dropped = this.#droppedLines.due(`${nodeId} ${cause}`, points.length);
    if (dropped === 0) return;
    const [point] = points;
    const link = this.#options.host.linkOf(nodeId);
    this.#options.log.warn(
      {
        ...(link === undefined ? {} : { link }),
        nodeId,
        cause,
        dropped,
        type: point?.type,
        key: point?.key,
      },
      `${String(dropped)} point(s) dropped: ${why}`,
    );
  }
}
