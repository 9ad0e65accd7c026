import type { Timer } from '../../point/clock.js';
import { textOf } from '../../point/point.js';
import { backoffMs } from '../connection/backoff.js';
import type { AnsweredPublisher } from '../connection/answered-publisher.js';
import { BATCH_BYTES, MESSAGE_BYTES, type Sender, type SenderOptions } from './barrier-sender.js';
import { NotConnectedError, type Answer, type AnswerReceiver } from '../connection/connection.js';
import { denialText } from '../connection/denials.js';
import { Queue } from './queue.js';
import {
  laneEntry,
  ensureRetryState,
  nameOf,
  nodeIdOf,
  statusEntry,
  retryStateOf,
  type Entry,
  type Message,
  type Track,
} from './entry.js';
import { KeyGroups, type KeyGroup } from './key-groups.js';
import {
  readDue,
  type DropCause,
  type PublishState,
  type Suspicion,
  type Totals,
} from './publish-state.js';
import { readReceipt } from './receipt.js';
import { RetryList } from './retry-list.js';
import { Stall } from './stall.js';

interface WindowSenderOptions extends Omit<SenderOptions, 'connection'> {
  /** Where a store answers, or where NATS does. */
  readonly publisher: AnsweredPublisher;
  readonly random: () => number;
  readonly totals: Totals;
}

/** A store whose quickest answer takes longer is distant. */
const DISTANT_MS = 10;
const SWEEP_EVERY_MS = 1_000;
/** Points of a lane that may wait for others of their type+key: more would bring the lane into memory. */
const LOOK_AHEAD = 4_096;
/** The same where only the newest points are kept: those on their way are not replaced. */
const CLAIM_AHEAD = 64;
/** Positions of a lane that are read before other lanes are served. */
const LOOK_AT_ONCE = 2_048;
const RETRY = { firstMs: 500, maxMs: 30_000 };
/** A point is given up after so many tries between which the store took others. */
const MOST_TRIES = 10;

type Refusal = 'refusedByStore' | 'notPermitted';

/**
 * Publishes to a store: each message has a reply subject, a bounded number of
 * messages is unanswered, and the lanes are served round robin (docs/contract.md,
 * "Publishing" and "Delivered").
 */
export class WindowSender implements Sender, AnswerReceiver {
  readonly #options: WindowSenderOptions;
  readonly #tracks = new Map<PublishState, Track>();
  readonly #round = new Queue<Track>();
  readonly #unanswered = new Set<Message>();
  /** By token: those of which an answer is still taken, also when it comes late. */
  readonly #asked = new Map<number, Message>();
  readonly #retries: RetryList;
  #sweep: Timer | undefined;
  #stopped = false;
  #suspicious = false;
  /** When the store last answered anything. */
  #answeredMs = Number.NEGATIVE_INFINITY;
  /** The store's quickest answer so far. */
  #quickestMs: number | undefined;
  readonly #stall: Stall;

  constructor(options: WindowSenderOptions) {
    this.#options = options;
    this.#retries = new RetryList(options.clock, (due) => {
      for (const entry of due) this.#again(entry);
      this.#pump();
    });
    this.#stall = new Stall(options.clock, options.random, RETRY, () => this.#pump());
  }

  lane(state: PublishState): void {
    if (this.#stopped || state.held) return;
    let track = this.#tracks.get(state);
    if (track === undefined) {
      track = {
        state,
        groups: new KeyGroups(() => (this.#quickestMs ?? 0) > DISTANT_MS),
        ready: new Queue(),
        inRound: false,
      };
      this.#tracks.set(state, track);
    }
    this.#enqueue(track);
    this.#pump();
  }

  status(): void {
    this.#pump();
  }

  forget(state: PublishState): void {
    const track = this.#tracks.get(state);
    if (track === undefined) return;
    this.#tracks.delete(state);
    const of = (entry: Entry): boolean =>
      entry.source.kind === 'lane' && entry.source.track === track;
    this.#retries.drop(of);
    for (const message of this.#unanswered) {
      for (const entry of message.entries) if (of(entry)) entry.done = true;
    }
    while (track.ready.shift() !== undefined);
  }

  suspend(): void {
    this.#suspicious = true;
  }

  stop(): void {
    this.#stopped = true;
    this.#sweep?.cancel();
    this.#stall.stop();
    this.#retries.stop();
    for (const message of this.#asked.values()) this.#forget(message);
  }

  #enqueue(track: Track): void {
    if (track.inRound) return;
    track.inRound = true;
    this.#round.push(track);
  }

  #pump(): void {
    while (!this.#stopped && !this.#suspicious && this.#unanswered.size < this.#room()) {
      const entries = this.#nextTrial() ?? this.#nextStatus() ?? this.#nextOfLanes();
      if (entries === undefined) return;
      this.#send(entries);
    }
  }

  #room(): number {
    if (!this.#options.window.open) return 0;
    if (!this.#stall.holds) return this.#options.wire.window;
    return this.#stall.mayTry ? 1 : 0;
  }

  #nextStatus(): Entry[] | undefined {
    const { status, wire, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const slots = status.take(wire.batch, (slot) => (slot.retryState?.dueMs ?? 0) <= nowMs);
    if (slots.length === 0) return undefined;
    return slots.map(statusEntry);
  }

  #nextOfLanes(): Entry[] | undefined {
    for (let track = this.#round.shift(); track !== undefined; track = this.#round.shift()) {
      const entries = this.#nextOf(track);
      if (entries !== undefined) {
        this.#round.push(track);
        return entries;
      }
      track.inRound = false;
    }
    return undefined;
  }

  #nextOf(track: Track): Entry[] | undefined {
    const first = this.#takeEntry(track);
    if (first === undefined) return undefined;
    const { batch } = this.#options.wire;
    const entries = [first];
    if (batch === 1 || first.alone) return entries;
    const names = new Set([nameOf(first.point)]);
    let bytes = textOf(first.point.value).length;
    while (entries.length < batch && bytes < BATCH_BYTES) {
      const entry = this.#takeEntry(track);
      if (entry === undefined) break;
      if (entry.alone || names.has(nameOf(entry.point))) {
        track.ready.unshift(entry);
        break;
      }
      names.add(nameOf(entry.point));
      bytes += textOf(entry.point.value).length;
      entries.push(entry);
    }
    return entries;
  }

  #takeEntry(track: Track): Entry | undefined {
    for (let ready = track.ready.shift(); ready !== undefined; ready = track.ready.shift()) {
      if (!ready.done) return ready;
    }
    const { state, groups } = track;
    for (let looked = 0; ; looked++) {
      state.cursor = Math.min(state.cursor, groups.takeBack() ?? state.cursor);
      // What is sent next counts as on its way: it is not replaced by a newer point.
      if (state.cursor >= state.lane.claimed) state.lane.claimBefore(state.lane.next);
      if (state.cursor >= state.lane.next) return undefined;
      const lookAhead = state.lane.claimed === Number.POSITIVE_INFINITY ? LOOK_AHEAD : CLAIM_AHEAD;
      if (groups.waiting >= lookAhead && !groups.cut()) return undefined;
      if (looked >= LOOK_AT_ONCE) {
        this.#lookOn(track);
        return undefined;
      }
      const position = state.cursor;
      state.cursor += 1;
      const point = readDue(state, position, this.#options.host);
      if (point === undefined) continue;
      const name = nameOf(point);
      const group = groups.enter(name, position);
      if (group === undefined) {
        const crowd = groups.get(name);
        if (crowd !== undefined) this.#release(track, crowd, groups.release(crowd));
        const ready = track.ready.shift();
        if (ready !== undefined) return ready;
        continue;
      }
      const entry = laneEntry(track, group, position, point);
      const retryState = state.retryStates.get(position);
      if (retryState === undefined) return entry;
      entry.alone = true;
      if (retryState.dueMs <= this.#options.clock.monotonicMs()) return entry;
      group.refused = position;
      this.#retries.add(entry, retryState.dueMs);
    }
  }

  /** Serves other lanes before this one is read further. */
  #lookOn(track: Track): void {
    this.#options.clock.setTimer(0, () => {
      if (this.#stopped) return;
      this.#enqueue(track);
      this.#pump();
    });
  }

  #release(track: Track, group: KeyGroup, positions: readonly number[]): void {
    for (const position of positions) {
      const point = readDue(track.state, position, this.#options.host);
      if (point !== undefined) track.ready.push(laneEntry(track, group, position, point));
      else this.#release(track, group, track.groups.leave(group, position));
    }
    if (positions.length > 0) this.#enqueue(track);
  }

  #send(entries: readonly Entry[]): void {
    const { publisher, wire, clock, window } = this.#options;
    const [first] = entries;
    if (first === undefined) return;
    for (const entry of entries) {
      if (entry.late !== undefined) this.#forget(entry.late);
      entry.late = undefined;
    }
    this.#stall.tried();
    let message: Message;
    try {
      const payload = wire.encode(entries.map((entry) => entry.point));
      const sentMs = clock.monotonicMs();
      const bytes = payload.length + MESSAGE_BYTES;
      const subject = wire.pointSubject(nodeIdOf(first), first.point);
      const token = publisher.publish(subject, payload, this);
      message = { entries, subject, sentMs, bytes, token };
    } catch (error) {
      // There is no connection: the next sender finds all points in the outbox.
      if (error instanceof NotConnectedError) this.#suspicious = true;
      else this.#unsendable(entries, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#unanswered.add(message);
    this.#asked.set(message.token, message);
    window.sent(message.bytes);
    this.#sweep ??= clock.setTimer(SWEEP_EVERY_MS, () => this.#sweepLate());
  }

  #unsendable(entries: readonly Entry[], why: string): void {
    for (const entry of entries) {
      if (entries.length === 1) this.#giveUp(entry, 'unsendable', why);
      else this.#again(entry);
    }
    this.#stall.untried();
  }

  answered(token: number, answer: Answer): void {
    const message = this.#asked.get(token);
    if (this.#stopped || message === undefined) return;
    if (typeof answer === 'string' && answer !== 'noResponders') return;
    const tookMs = this.#end(message);
    if (answer === 'noResponders') {
      this.#suspect('noResponders');
      return;
    }
    this.#quickestMs = Math.min(this.#quickestMs ?? tookMs, tookMs);
    const receipt = readReceipt(answer);
    switch (receipt.kind) {
      case 'delivered':
        this.#accepted(message);
        break;
      case 'forbidden':
        if (message.entries.length > 1) this.#refusedAll(message, receipt.text);
        else
          for (const entry of message.entries)
            this.#giveUp(entry, 'forbiddenCharacter', receipt.text);
        this.#pauseIfStalled();
        break;
      case 'undecodable':
        this.#undecodable(message, receipt.text);
        break;
      case 'refused':
        this.#refusedAll(message, receipt.text);
        break;
    }
    this.#pump();
  }

  /** Further replies change nothing (docs/siot.md, 4.4). Returns how long the answer took, ms. */
  #end(message: Message): number {
    const { clock, window } = this.#options;
    this.#forget(message);
    this.#answeredMs = clock.monotonicMs();
    const tookMs = this.#answeredMs - message.sentMs;
    if (this.#unanswered.delete(message)) window.answered(message.bytes, tookMs);
    else window.late(tookMs);
    return tookMs;
  }

  #forget({ token }: Message): void {
    this.#asked.delete(token);
    this.#options.publisher.forget(token);
  }

  /** The oldest message on that subject is meant: NATS processes them in order. */
  denied(subject: string): void {
    if (this.#stopped) return;
    for (const message of this.#unanswered) {
      if (message.subject !== subject) continue;
      this.#end(message);
      this.#refusedAll(message, denialText('publish', subject), 'notPermitted');
      this.#pump();
      return;
    }
  }

  #accepted(message: Message): void {
    this.#options.totals.accepted += 1;
    for (const entry of message.entries) this.#settle(entry);
    if (!this.#stall.end()) return;
    // The store takes points again: those that it refused before need not wait.
    for (const entry of this.#retries.takeAll()) this.#again(entry);
  }

  #settle(entry: Entry): void {
    if (entry.done) return;
    entry.done = true;
    const { source } = entry;
    if (source.kind === 'status') {
      this.#options.status.settle(source.slot, entry.point);
      return;
    }
    const { track, group, position } = source;
    track.state.retryStates.delete(position);
    track.state.lane.settle(position);
    this.#release(track, group, track.groups.leave(group, position));
  }

  #giveUp(entry: Entry, cause: Exclude<DropCause, 'nodeDeleted'>, why: string): void {
    if (entry.done) return;
    this.#options.host.dropped(nodeIdOf(entry), cause, [entry.point], why);
    this.#settle(entry);
  }

  // The first time, a store of another generation may have answered. When it is
  // known that none has, this is a refusal like others.
  #undecodable(message: Message, text: string): void {
    const { generation } = this.#options.wire;
    const known = message.entries.every(
      (entry) => retryStateOf(entry)?.undecodableAs === generation,
    );
    if (known) {
      this.#refusedAll(message, text);
      return;
    }
    for (const entry of message.entries) ensureRetryState(entry).undecodableAs = generation;
    this.#suspect('undecodable');
  }

  #refusedAll(message: Message, why: string, cause: Refusal = 'refusedByStore'): void {
    for (const entry of message.entries) {
      if (entry.done) continue;
      if (message.entries.length > 1) this.#later(entry);
      else this.#refusedOne(entry, why, cause);
    }
    this.#pauseIfStalled();
  }

  #refusedOne(entry: Entry, why: string, cause: Refusal = 'refusedByStore'): void {
    const { totals } = this.#options;
    const retryState = ensureRetryState(entry);
    if (retryState.tries === 0 || totals.accepted > retryState.acceptedBefore)
      retryState.tries += 1;
    retryState.acceptedBefore = totals.accepted;
    if (retryState.tries >= MOST_TRIES) this.#giveUp(entry, cause, why);
    else this.#later(entry);
  }

  /** Tries again after a pause, in a message of its own. */
  #later(entry: Entry): void {
    const { clock, random } = this.#options;
    const retryState = ensureRetryState(entry);
    retryState.failures += 1;
    retryState.dueMs = clock.monotonicMs() + backoffMs(retryState.failures, RETRY, random());
    this.#stall.refused(entry.source.kind === 'lane' ? entry.source.group : entry.source.slot);
    if (entry.source.kind === 'lane') {
      const { group, position } = entry.source;
      group.refused = Math.min(group.refused ?? position, position);
    }
    this.#retries.add(entry, retryState.dueMs);
  }

  #again(entry: Entry): void {
    if (entry.done) return;
    const { source } = entry;
    if (source.kind === 'status') {
      if (source.slot.retryState !== undefined) source.slot.retryState.dueMs = 0;
      this.#options.status.again(source.slot);
      return;
    }
    entry.alone = true;
    source.track.ready.push(entry);
    this.#enqueue(source.track);
  }

  #pauseIfStalled(): void {
    if (this.#stall.pauseIfDue(this.#unanswered.size === 0)) this.#retries.pause();
  }

  // A point that was not tried yet, if there is one: the store may refuse only those
  // tried so far. Otherwise another refused one each time.
  #nextTrial(): Entry[] | undefined {
    if (!this.#stall.holds) return undefined;
    const fresh = this.#nextStatus() ?? this.#nextOfLanes();
    if (fresh !== undefined) return fresh;
    const entry = this.#retries.takeNext();
    if (entry === undefined) return undefined;
    if (entry.source.kind === 'status') entry.point = entry.source.slot.point;
    return [entry];
  }

  #sweepLate(): void {
    const { clock, window } = this.#options;
    this.#sweep = undefined;
    if (this.#stopped || this.#suspicious) return;
    const nowMs = clock.monotonicMs();
    let late = 0;
    for (const message of this.#unanswered) {
      if (nowMs - message.sentMs < window.answerTimeoutMs) break;
      this.#unanswered.delete(message);
      window.givenUp(message.bytes);
      late += 1;
      for (const entry of message.entries) {
        entry.late = message;
        if (message.entries.length > 1) this.#later(entry);
        else this.#refusedOne(entry, 'no reply');
      }
    }
    if (late > 0 && nowMs - this.#answeredMs >= window.answerTimeoutMs) this.#suspect('silence');
    if (this.#unanswered.size > 0) {
      this.#sweep = clock.setTimer(SWEEP_EVERY_MS, () => this.#sweepLate());
    }
    this.#pump();
  }

  #suspect(why: Suspicion): void {
    if (this.#suspicious) return;
    this.#suspicious = true;
    this.#options.host.suspect(why);
  }
}
