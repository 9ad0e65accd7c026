import type { Timer } from '../../point/clock.js';
import { PointMap } from '../../point/point-map.js';
import { canonicalKey, textOf, type Point } from '../../point/point.js';
import { NotConnectedError, type Connection } from '../connection/connection.js';
import { MessageStart } from '../connection/publish-buffer.js';
import { readDue, type PublishState } from './publish-state.js';
import { BATCH_BYTES, MESSAGE_BYTES, type Sender, type SenderOptions } from './sender.js';
import type { SinglePointPayload } from '../wire/wire.js';
import type { StatusSlot } from './status-points.js';

interface BarrierSenderOptions extends SenderOptions {
  readonly connection: Connection;
}

/** Interval at which the server is asked whether it has processed what no device waits for, ms. */
const CONFIRM_EVERY_MS = 20;
/** With CONFIRM_AT unconfirmed points the server is asked at once; with MOST_UNCONFIRMED publishing waits. */
const CONFIRM_AT = 1_024;
const MOST_UNCONFIRMED = 8_192;

/**
 * Publishes without a store. Points are published at once. A point is delivered when the
 * server confirms that it has processed the publish (docs/contract.md, "Delivered").
 *
 * One PING after many publishes confirms all of them, since the server processes a
 * connection in order. Points that are not confirmed when the connection ends are still
 * in the outbox, and the next sender publishes them again.
 */
export class BarrierSender implements Sender {
  readonly #options: BarrierSenderOptions;
  /** Lanes with points that are published and not confirmed. */
  readonly #published = new Set<PublishState>();
  /** Lanes that wait for confirmations. */
  readonly #waiting = new Set<PublishState>();
  /** By node. */
  readonly #starts = new Map<string, PointMap<MessageStart>>();
  #slots: { readonly slot: StatusSlot; readonly point: Point }[] = [];
  #unconfirmed = 0;
  #sinceBarrier = 0;
  #bytesSinceBarrier = 0;
  #asking = false;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: BarrierSenderOptions) {
    this.#options = options;
  }

  lanes(states: Iterable<PublishState>): void {
    if (this.#stopped) return;
    for (const state of states) if (!state.held) this.#publishLane(state);
    this.#confirm();
    // If nothing asks for a confirmation now, nothing has sent them.
    this.#options.connection.buffer?.send();
  }

  #publishLane(state: PublishState): void {
    const { lane } = state;
    const batch = this.#options.wire.batch;
    while (state.cursor < lane.next) {
      if (this.#unconfirmed >= MOST_UNCONFIRMED || !this.#options.window.open) {
        this.#waiting.add(state);
        break;
      }
      const sent = batch === 1 ? this.#publishOne(state) : this.#publishBatch(state, batch);
      if (!sent) return;
      this.#published.add(state);
    }
    lane.claimBefore(state.cursor);
  }

  status(): void {
    if (this.#stopped) return;
    const { status, wire, host } = this.#options;
    while (this.#options.window.open) {
      const slots = status.take(wire.batch, () => true);
      const [first] = slots;
      if (first === undefined) break;
      const points = slots.map((slot) => slot.point);
      const problem = this.#publish(first.nodeId, points);
      if (problem instanceof NotConnectedError) return;
      if (problem !== undefined) {
        host.dropped(first.nodeId, 'unsendable', points, problem.message);
      }
      for (const slot of slots) {
        if (problem === undefined) this.#slots.push({ slot, point: slot.point });
        else status.settle(slot, slot.point);
      }
    }
    this.#confirm();
  }

  forget(state: PublishState): void {
    this.#published.delete(state);
    this.#waiting.delete(state);
    this.#starts.delete(state.lane.nodeId);
  }

  /** Stops: it is not known which message is meant. A sender that confirms each message replaces this one. */
  denied(): void {
    this.stop();
  }

  suspend(): void {
    this.stop();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** False: there is no connection. */
  #publishOne(state: PublishState): boolean {
    const position = state.cursor;
    const point = readDue(state, position, this.#options.host);
    if (point !== undefined) {
      const problem = this.#publishSingle(state.lane.nodeId, point);
      if (problem instanceof NotConnectedError) return false;
      if (problem === undefined) this.#count(1);
      else this.#drop(state, [position], [point], problem);
    }
    state.cursor = position + 1;
    return true;
  }

  // A message must not have both spellings of a key, nor two points whose type+key are
  // equal texts: a store would not keep both correctly (docs/siot.md, 1.2 and 1.7).
  #publishBatch(state: PublishState, batch: number): boolean {
    const { lane } = state;
    const positions: number[] = [];
    const points: Point[] = [];
    const names = new Set<string>();
    let bytes = 0;
    let at = state.cursor;
    for (; at < lane.next && points.length < batch && bytes < BATCH_BYTES; at++) {
      const point = readDue(state, at, this.#options.host);
      if (point === undefined) continue;
      const name = point.type + canonicalKey(point.key);
      if (names.has(name)) break;
      names.add(name);
      bytes += textOf(point.value).length;
      positions.push(at);
      points.push(point);
    }
    if (points.length > 0) {
      const problem = this.#publish(lane.nodeId, points);
      if (problem instanceof NotConnectedError) return false;
      if (problem === undefined) this.#count(points.length);
      else if (points.length > 1) return this.#publishOne(state);
      else this.#drop(state, positions, points, problem);
    }
    state.cursor = at;
    return true;
  }

  #publish(nodeId: string, points: readonly Point[]): Error | undefined {
    const { connection, wire } = this.#options;
    const [first] = points;
    if (first === undefined) return undefined;
    try {
      const payload = wire.encode(points);
      connection.publish(wire.pointSubject(nodeId, first), payload);
      this.#sent(payload.length);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** As {@link #publish}. Hot: called for each point. */
  #publishSingle(nodeId: string, point: Point): Error | undefined {
    const { single } = this.#options.wire;
    const { buffer } = this.#options.connection;
    if (single === undefined || buffer === undefined) return this.#publish(nodeId, [point]);
    try {
      const start = this.#startOf(nodeId, point, single);
      const tailLength = single.tailLength(point);
      const at = start && buffer.add(start, tailLength);
      // What does not fit there is published as it is, or has its problem told.
      if (start === undefined || at === undefined) return this.#publish(nodeId, [point]);
      single.writeTail(buffer.bytes, buffer.view, at, point);
      this.#sent(start.headLength + tailLength);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #startOf(nodeId: string, point: Point, single: SinglePointPayload): MessageStart | undefined {
    let starts = this.#starts.get(nodeId);
    if (starts === undefined) this.#starts.set(nodeId, (starts = new PointMap()));
    let start = starts.get(point.type, point.key);
    if (start === undefined) {
      const subject = this.#options.wire.pointSubject(nodeId, point);
      start = MessageStart.of(subject, single.head(point));
      if (start !== undefined) starts.set(point.type, point.key, start);
    }
    return start;
  }

  /** `payload`: bytes. */
  #sent(payload: number): void {
    const bytes = payload + MESSAGE_BYTES;
    this.#bytesSinceBarrier += bytes;
    this.#options.window.sent(bytes);
  }

  #drop(state: PublishState, positions: number[], points: Point[], problem: Error): void {
    for (const position of positions) state.lane.settle(position);
    this.#options.host.dropped(state.lane.nodeId, 'unsendable', points, problem.message);
  }

  #count(points: number): void {
    this.#unconfirmed += points;
    this.#sinceBarrier += points;
  }

  #confirm(): void {
    if (this.#stopped || this.#asking) return;
    if (this.#published.size === 0 && this.#slots.length === 0) return;
    const isDue = this.#sinceBarrier >= CONFIRM_AT || !this.#options.window.open;
    if (isDue || this.#isAwaited()) {
      this.#ask();
    } else {
      this.#timer ??= this.#options.clock.setTimer(CONFIRM_EVERY_MS, () => {
        this.#timer = undefined;
        this.#ask();
      });
    }
  }

  /** Whether the acknowledgement of a device waits for a point that was published. */
  #isAwaited(): boolean {
    for (const { lane } of this.#published) if (lane.awaited) return true;
    return false;
  }

  #ask(): void {
    const { connection, status, window, clock } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    const marks = [...this.#published].map((state) => ({ state, through: state.cursor - 1 }));
    const slots = this.#slots;
    const count = this.#sinceBarrier;
    const bytes = this.#bytesSinceBarrier;
    const askedMs = clock.monotonicMs();
    this.#published.clear();
    this.#slots = [];
    this.#sinceBarrier = 0;
    this.#bytesSinceBarrier = 0;
    this.#asking = true;
    connection.barrier((processed) => {
      this.#asking = false;
      if (this.#stopped || !processed) return;
      this.#unconfirmed -= count;
      window.answered(bytes, clock.monotonicMs() - askedMs);
      for (const { state, through } of marks) {
        if (!state.discarded) state.lane.settleThrough(through);
      }
      for (const { slot, point } of slots) status.settle(slot, point);
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      this.status();
      this.lanes(waiting);
    });
  }
}
