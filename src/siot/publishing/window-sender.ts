import type { Timer } from '../../point/clock.js';
import { backoffMs } from '../connection/backoff.js';
import type { AnsweredPublisher } from '../connection/answered-publisher.js';
import { NotConnectedError, type Answer, type AnswerReceiver } from '../connection/connection.js';
import { denialText } from '../connection/denials.js';
import {
  ensureRetryState,
  nodeIdOf,
  statusEntry,
  retryStateOf,
  type Entry,
  type Message,
} from './entry.js';
import { LaneRound } from './lane-round.js';
import type { DropCause, PublishState, Suspicion, Totals } from './publish-state.js';
import { readReceipt } from './receipt.js';
import { RetryList } from './retry-list.js';
import { MESSAGE_BYTES, type Sender, type SenderOptions } from './sender.js';
import { Stall } from './stall.js';

interface WindowSenderOptions extends SenderOptions {
  /** The connection if a store answers; without a store, one where NATS answers. */
  readonly publisher: AnsweredPublisher;
  readonly random: () => number;
  readonly totals: Totals;
}

const SWEEP_EVERY_MS = 1_000;
const RETRY = { firstMs: 500, maxMs: 30_000 };
/** A point is dropped after so many refusals between which the store took others. */
const MOST_TRIES = 10;

type Refusal = 'refusedByStore' | 'notPermitted';

/**
 * Publishes to a store. Each message has a reply subject. The number of unanswered
 * messages is limited. The lanes are served in round-robin order (docs/contract.md,
 * "Publishing" and "Delivered").
 */
export class WindowSender implements Sender, AnswerReceiver {
  readonly #options: WindowSenderOptions;
  readonly #lanes: LaneRound;
  readonly #unanswered = new Set<Message>();
  /** Messages whose answer is accepted, even if it is late; by token. */
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
    const quickestMs = (): number => this.#quickestMs ?? 0;
    this.#lanes = new LaneRound(options, this.#retries, quickestMs, () => this.#pump());
    this.#stall = new Stall(options.clock, options.random, RETRY, () => this.#pump());
  }

  lanes(states: Iterable<PublishState>): void {
    if (this.#stopped) return;
    for (const state of states) if (!state.held) this.#lanes.add(state);
    this.#pump();
  }

  status(): void {
    this.#pump();
  }

  forget(state: PublishState): void {
    const track = this.#lanes.forget(state);
    if (track === undefined) return;
    const of = (entry: Entry): boolean =>
      entry.source.kind === 'lane' && entry.source.track === track;
    this.#retries.drop(of);
    for (const message of this.#unanswered) {
      for (const entry of message.entries) if (of(entry)) entry.done = true;
    }
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

  #pump(): void {
    while (!this.#stopped && !this.#suspicious && this.#unanswered.size < this.#room()) {
      const entries = this.#nextTrial() ?? this.#nextStatus() ?? this.#lanes.next();
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
      // There is no connection. All points are still in the outbox, for the next sender.
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

  /**
   * The message was answered; further replies are ignored (docs/siot.md, 4.4). Returns how
   * long the answer took, ms.
   */
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

  /** NATS processes messages in order, so the oldest message on that subject is meant. */
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
    // The store accepts points again: those that it refused before do not have to wait.
    for (const entry of this.#retries.takeAll()) this.#again(entry);
  }

  #settle(entry: Entry): void {
    if (entry.done) return;
    entry.done = true;
    const { source } = entry;
    if (source.kind === 'status') this.#options.status.settle(source.slot, entry.point);
    else this.#lanes.settle(source);
  }

  #giveUp(entry: Entry, cause: Exclude<DropCause, 'nodeDeleted'>, why: string): void {
    if (entry.done) return;
    this.#options.host.dropped(nodeIdOf(entry), cause, [entry.point], why);
    this.#settle(entry);
  }

  // The first time, a store of another generation may have answered, so the store is
  // looked for again. If a store of this generation could not decode the point before, this
  // is a refusal like others.
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

  /** Tries the point again after a pause, in a message of its own. */
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
    this.#lanes.again(source.track, entry);
  }

  #pauseIfStalled(): void {
    if (this.#stall.pauseIfDue(this.#unanswered.size === 0)) this.#retries.pause();
  }

  // A point that was not tried yet, if there is one: perhaps the store refuses only the
  // points that were tried. Otherwise the refused points, one after the other.
  #nextTrial(): Entry[] | undefined {
    if (!this.#stall.holds) return undefined;
    const fresh = this.#nextStatus() ?? this.#lanes.next();
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
