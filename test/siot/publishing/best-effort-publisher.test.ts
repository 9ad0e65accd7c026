import { describe, expect, it } from 'vitest';
import {
  BestEffortPublisher,
  type BestEffortHost,
  type BestEffortSource,
} from '../../../src/siot/publishing/best-effort-publisher.js';
import { NotConnectedError } from '../../../src/siot/connection/connection.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A message of 872 bytes counts as 1,000. */
const message = (n: number): Uint8Array => new Uint8Array(872).fill(n);

class FakeNats implements BestEffortHost {
  connected = true;
  readonly published: string[] = [];
  readonly #barriers: ((processed: boolean) => void)[] = [];

  publish(subject: string, payload: Uint8Array): void {
    if (!this.connected) throw new NotConnectedError();
    if (subject === 'refused') throw new Error('the subject is invalid');
    this.published.push(`${subject} ${String(payload[0])}`);
  }

  barrier(done: (processed: boolean) => void): void {
    this.#barriers.push(done);
  }

  get asked(): number {
    return this.#barriers.length;
  }

  answer(processed = true): void {
    for (const done of this.#barriers.splice(0)) done(processed);
  }
}

class Source implements BestEffortSource {
  readonly lost: [messages: number, why: string][] = [];
  constructor(public goesTo: string | undefined) {}

  subject(): string | undefined {
    return this.goesTo;
  }
  dropped(messages: number, why: string): void {
    this.lost.push([messages, why]);
  }
  get count(): number {
    return this.lost.reduce((sum, [messages]) => sum + messages, 0);
  }
}

function rig(maxBytes = 10_000) {
  const nats = new FakeNats();
  const turns: (() => void)[] = [];
  const clock = new FakeClock();
  const publisher = new BestEffortPublisher(nats, maxBytes, clock, (then) => void turns.push(then));
  /** The time goes on until whatever is due has been done. */
  const turn = (): void => {
    clock.advance(60);
    turns.splice(0).forEach((then) => then());
    clock.advance(60);
  };
  return { nats, publisher, turn, turns, clock };
}

describe('what is published best effort', () => {
  it('leaves in one go for each turn, with one question to the server', () => {
    const { nats, publisher, turn } = rig();
    const source = new Source('a');
    for (const n of [1, 2, 3]) publisher.put(source, message(n));
    expect(nats.published).toEqual([]);
    turn();
    expect([nats.published, nats.asked]).toEqual([['a 1', 'a 2', 'a 3'], 1]);
  });

  it('of a stream leaves every few ms, and does not wait if it comes alone', () => {
    const { nats, publisher, turns, clock } = rig(1_000_000);
    const source = new Source('a');
    const next = (): void => turns.splice(0).forEach((then) => then());
    publisher.put(source, message(1));
    next();
    expect(nats.published).toHaveLength(1);
    for (const n of [2, 3, 4]) {
      clock.advance(1);
      publisher.put(source, message(n));
      next();
    }
    expect(nats.published).toHaveLength(1);
    clock.advance(1);
    expect(nats.published).toHaveLength(4);
    // Much does not wait.
    for (let n = 0; n < 40; n++) publisher.put(source, message(n));
    next();
    expect(nats.published).toHaveLength(44);
  });

  it('waits while the server is slow, and of what waits the newest are kept', () => {
    const { nats, publisher, turn } = rig();
    const source = new Source('a');
    for (let n = 1; n <= 20; n++) {
      publisher.put(source, message(n));
      turn();
    }
    // Half of the budget may be on its way.
    expect(nats.published).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 5']);
    nats.answer();
    turn();
    // The first was confirmed alone; of those after it the last five are there.
    while (nats.asked > 0) {
      nats.answer();
      turn();
    }
    expect(nats.published.at(-1)).toBe('a 20');
    expect(nats.published.length + source.count).toBe(20);
    expect(nats.published.slice(5)).toEqual([16, 17, 18, 19, 20].map((n) => `a ${String(n)}`));
    expect(source.lost[0]?.[1]).toContain('highRate.maxBytes');
  });

  it('waits while there is no connection, and goes on with the newest', () => {
    const { nats, publisher, turn } = rig();
    const source = new Source('a');
    nats.connected = false;
    for (let n = 1; n <= 12; n++) publisher.put(source, message(n));
    turn();
    nats.connected = true;
    publisher.goOn();
    turn();
    expect([nats.published[0], source.count]).toEqual(['a 3', 2]);
  });

  it('and not confirmed when the connection is lost is counted as lost, once', () => {
    const { nats, publisher, turn } = rig();
    const source = new Source('a');
    for (const n of [1, 2]) publisher.put(source, message(n));
    turn();
    nats.answer(false);
    expect(source.lost).toMatchObject([[2, expect.stringContaining('connection') as string]]);
    publisher.put(source, message(3));
    turn();
    nats.answer();
    expect(source.count).toBe(2);
  });

  it('waits until its subject is known', () => {
    const { nats, publisher, turn } = rig();
    const source = new Source(undefined);
    const other = new Source('b');
    publisher.put(source, message(1));
    publisher.put(other, message(2));
    turn();
    expect(nats.published).toEqual(['b 2']);
    source.goesTo = 'a';
    publisher.goOn();
    turn();
    expect(nats.published).toEqual(['b 2', 'a 1']);
  });

  it('of a source that sends much takes no room from another', () => {
    const { nats, publisher, turn } = rig();
    nats.connected = false;
    const [loud, quiet] = [new Source('loud'), new Source('quiet')];
    publisher.put(quiet, message(1));
    for (let n = 1; n <= 50; n++) publisher.put(loud, message(n));
    expect([quiet.count, loud.count]).toEqual([0, 41]);
    nats.connected = true;
    publisher.goOn();
    turn();
    expect(nats.published[0]).toBe('quiet 1');
  });

  it('and that the library refuses is lost alone', () => {
    const { nats, publisher, turn } = rig();
    const [bad, good] = [new Source('refused'), new Source('a')];
    publisher.put(bad, message(1));
    publisher.put(good, message(2));
    turn();
    expect(nats.published).toEqual(['a 2']);
    expect(bad.lost).toEqual([[1, 'the subject is invalid']]);
  });

  it('of a source that has left is forgotten', () => {
    const { nats, publisher, turn } = rig();
    nats.connected = false;
    const source = new Source('a');
    publisher.put(source, message(1));
    publisher.forget(source);
    nats.connected = true;
    publisher.goOn();
    turn();
    expect(nats.published).toEqual([]);
  });
});
