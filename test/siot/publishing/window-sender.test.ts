/** What goes out to a store when, and what is kept meanwhile: with a store that a test answers for by hand. */
import { describe, expect, it } from 'vitest';
import { MemoryOutbox } from '../../../src/outbox/memory-outbox.js';
import { numberOf, type Point } from '../../../src/point/point.js';
import type { AnsweredPublisher } from '../../../src/siot/connection/answered-publisher.js';
import type { Answer, AnswerReceiver } from '../../../src/siot/connection/connection.js';
import type { PublishState } from '../../../src/siot/publishing/publish-state.js';
import { PublishWindow } from '../../../src/siot/publishing/publish-window.js';
import { StatusPoints } from '../../../src/siot/publishing/status-points.js';
import { WindowSender } from '../../../src/siot/publishing/window-sender.js';
import { WIRES } from '../../../src/siot/wire/wires.js';
import { FakeClock } from '../../support/fake-clock.js';
import { point } from '../harness.js';

interface Asked {
  readonly token: number;
  readonly name: string;
  readonly number: number;
  readonly answer: (answer: Answer) => void;
}

const TAKEN = new Uint8Array(0);
const BUSY = Buffer.from('busy');

/** Remembers all that was asked, and of what an answer is still wanted. */
class HandAsker implements AnsweredPublisher {
  readonly asked: Asked[] = [];
  readonly wanted = new Map<number, Asked>();
  onAsked: (asked: Asked) => void = () => undefined;

  publish(_subject: string, payload: Uint8Array, receiver: AnswerReceiver): number {
    const [first] = WIRES[2].decode(payload)?.points ?? [];
    if (first === undefined) throw new Error('no point');
    const token = this.asked.length + 1;
    const answer = (given: Answer): void => {
      if (this.wanted.has(token)) receiver.answered(token, given);
    };
    const asked = { token, name: first.type, number: numberOf(first.value), answer };
    this.asked.push(asked);
    this.wanted.set(token, asked);
    this.onAsked(asked);
    return token;
  }

  forget(token: number): void {
    this.wanted.delete(token);
  }

  /** Answers all that wait, and what is asked for that, until nothing is. */
  answerAll(given: (asked: Asked) => Answer = () => TAKEN): void {
    for (let [next] = this.wanted.values(); next !== undefined; [next] = this.wanted.values()) {
      next.answer(given(next));
    }
  }

  names(from = 0): string[] {
    return this.asked.slice(from).map(({ name }) => name);
  }

  numbers(name: string): number[] {
    return this.asked.filter((asked) => asked.name === name).map(({ number }) => number);
  }
}

interface Bench {
  readonly clock: FakeClock;
  readonly asker: HandAsker;
  readonly outbox: MemoryOutbox;
  readonly status: StatusPoints;
  readonly sender: WindowSender;
  readonly dropped: string[];
  readonly suspicions: string[];
  state(nodeId: string): PublishState;
  put(nodeId: string, ...points: Point[]): void;
}

function bench(): Bench {
  const clock = new FakeClock();
  const asker = new HandAsker();
  const outbox = new MemoryOutbox({ maxBytes: 64 << 20 });
  const status = new StatusPoints(new Set());
  const dropped: string[] = [];
  const suspicions: string[] = [];
  const sender = new WindowSender({
    publisher: asker,
    wire: WIRES[2],
    status,
    clock,
    window: new PublishWindow(clock),
    random: () => 0.5,
    totals: { accepted: 0 },
    host: {
      dropped: (_nodeId, cause) => void dropped.push(cause),
      suspect: (why) => void suspicions.push(why),
      withholds: () => false,
    },
  });
  const books = new Map<string, PublishState>();
  const state = (nodeId: string): PublishState => {
    const lane = outbox.lane(nodeId);
    const known = books.get(nodeId);
    if (known !== undefined) return known;
    const made = {
      lane,
      held: false,
      discarded: false,
      cursor: lane.first,
      retryStates: new Map(),
    };
    books.set(nodeId, made);
    return made;
  };
  const put = (nodeId: string, ...points: Point[]): void => {
    if (!outbox.lane(nodeId).put(points, () => undefined)) throw new Error('full');
    sender.lanes([state(nodeId)]);
  };
  return { clock, asker, outbox, status, sender, dropped, suspicions, state, put };
}

const series = (name: string, count: number): Point[] =>
  Array.from({ length: count }, (_, n) => point(name, n));
const distinct = (count: number): Point[] =>
  Array.from({ length: count }, (_, n) => point(`k${String(n)}`, n));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('the window', () => {
  it('serves all lanes in turn', () => {
    const { asker, put } = bench();
    put('dev-1', ...distinct(1_000));
    const full = asker.asked.length;
    expect(full).toBeLessThanOrEqual(128);
    put('dev-2', point('late', 1));
    for (const asked of [...asker.wanted.values()].slice(0, 2)) asked.answer(TAKEN);
    expect(asker.names(full)).toContain('late');
  });

  it('serves status points first', () => {
    const { asker, put, status, sender } = bench();
    put('dev-1', ...distinct(1_000));
    const full = asker.asked.length;
    status.put('dev-2', point('connected', 1));
    sender.status();
    asker.wanted.get(1)?.answer(TAKEN);
    expect(asker.names(full)[0]).toBe('connected');
  });

  it('lets several points of one name go together where the store is distant', () => {
    const { asker, clock, put } = bench();
    asker.onAsked = ({ answer }) => void clock.setTimer(50, () => answer(TAKEN));
    put('dev-1', ...series('temp', 400));
    clock.advance(2_000);
    expect(asker.numbers('temp')).toEqual(upTo(400));
  });

  it('does not do so where it answers soon enough to all that wait', () => {
    const { asker, clock, put } = bench();
    let most = 0;
    asker.onAsked = ({ answer }) => {
      most = Math.max(most, asker.wanted.size);
      clock.setTimer(0.05, () => answer(TAKEN));
    };
    put('dev-1', ...series('temp', 100));
    clock.advance(1_000);
    expect([asker.numbers('temp'), most]).toEqual([upTo(100), 1]);
  });
});

describe('what waits in a lane', () => {
  /** Positions that were read since then. */
  function reads({ lane }: PublishState): () => number {
    let count = 0;
    const read = lane.read.bind(lane);
    lane.read = (position) => {
      count += 1;
      return read(position);
    };
    return () => count;
  }

  it('is not all read into memory, nor searched at once', () => {
    const { asker, clock, put, state } = bench();
    const count = reads(state('dev-1'));
    put('dev-1', ...series('temp', 20_000));
    expect(count()).toBeLessThan(2_100);
    clock.advance(100);
    expect(count()).toBeLessThan(5_000);
    asker.answerAll();
    expect(asker.numbers('temp').slice(0, 4_000)).toEqual(upTo(4_000));
  });

  it('behind a refused point does not keep back other points, however much it is', () => {
    const { asker, clock, put } = bench();
    put('dev-1', ...series('bad', 10_000), point('flow', 1));
    const refuse = ({ name }: Asked): Answer => (name === 'bad' ? BUSY : TAKEN);
    asker.answerAll(refuse);
    for (let n = 0; n < 200 && !asker.names().includes('flow'); n++) {
      clock.advance(100);
      asker.answerAll(refuse);
    }
    expect(asker.names()).toContain('flow');
    for (let n = 0; n < 2_000 && asker.numbers('bad').at(-1) !== 9_999; n++) {
      clock.advance(100);
      asker.answerAll();
    }
    const bad = asker.numbers('bad');
    expect(bad.filter((number, at) => number !== bad[at - 1])).toEqual(upTo(10_000));
  });

  it('where only the newest counts: what is on its way is delivered, and of the rest the newest', () => {
    const { asker, outbox, put } = bench();
    let superseded = 0;
    const onSuperseded = (count: number): void => void (superseded += count);
    outbox.lane('dev-1', { backlog: 'latest', onSuperseded });
    for (const one of series('temp', 1_000)) put('dev-1', one);
    put('dev-1', ...distinct(20));
    expect(superseded).toBeGreaterThan(900);
    asker.answerAll();
    const numbers = asker.numbers('temp');
    expect(numbers.length + superseded).toBe(1_000);
    expect(numbers.at(-1)).toBe(999);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    for (let n = 0; n < 20; n++) expect(asker.numbers(`k${String(n)}`)).toEqual([n]);
    expect(outbox.lane('dev-1').length).toBe(0);
  });
});

describe('a store that refuses', () => {
  it('one point while nothing else is sent does not cause its loss', () => {
    const { asker, clock, put, dropped } = bench();
    put('dev-1', point('temp', 1));
    for (let ms = 0; ms < 1_200_000; ms += 1_000) {
      asker.answerAll(() => BUSY);
      clock.advance(1_000);
    }
    expect(asker.asked.length).toBeGreaterThan(20);
    expect(dropped).toEqual([]);
    asker.answerAll();
  });

  it('many points for a reason of their own still gets others', () => {
    const { asker, clock, put } = bench();
    const refuse = ({ name }: Asked): Answer => (name.startsWith('k') ? BUSY : TAKEN);
    put('dev-1', ...distinct(40));
    asker.answerAll(refuse);
    put('dev-1', point('temp', 1));
    clock.advance(2_000);
    asker.answerAll(refuse);
    expect(asker.numbers('temp')).toEqual([1]);
  });

  it('all is tried again soon, however many it refused at once', () => {
    const { asker, clock, put } = bench();
    put('dev-1', ...distinct(100));
    asker.answerAll(() => BUSY);
    const before = asker.asked.length;
    clock.advance(1_500);
    expect(asker.asked.length).toBe(before + 1);
    asker.answerAll();
    expect(asker.asked.length).toBe(before + 100);
  });

  it('all for a while gets each point in order, also of those that went together', () => {
    const { asker, clock, put } = bench();
    let takes = true;
    asker.onAsked = ({ answer }) => {
      clock.setTimer(50, () => answer(takes ? TAKEN : BUSY));
    };
    put('dev-1', ...series('temp', 200), ...distinct(30));
    clock.advance(110);
    takes = false;
    clock.advance(60_000);
    const refused = asker.asked.length;
    takes = true;
    clock.advance(120_000);
    const after = asker.asked.slice(refused).filter(({ name }) => name === 'temp');
    const numbers = after.map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBe(199);
  });

  it('a status point is not asked again at once when it changes', () => {
    const { asker, clock, status, sender } = bench();
    for (let n = 0; n < 4; n++) {
      status.put('dev-1', point('rx', n));
      sender.status();
      asker.answerAll(() => BUSY);
      clock.advance(100);
    }
    expect(asker.numbers('rx')).toEqual([0]);
    clock.advance(200);
    asker.answerAll();
    expect(asker.numbers('rx')).toEqual([0, 3]);
    expect(status.size).toBe(0);
  });
});

describe('an answer', () => {
  it('is expected for nothing that was answered, and for nothing after the end', () => {
    const { asker, put, sender } = bench();
    put('dev-1', ...distinct(300));
    for (const asked of [...asker.wanted.values()].slice(0, 50)) asked.answer(TAKEN);
    expect([...asker.wanted.keys()].every((token) => token > 50)).toBe(true);
    sender.stop();
    expect(asker.wanted.size).toBe(0);
  });

  it('to a transmission does not count once the point was sent again', () => {
    const { asker, clock, put } = bench();
    const others = (count: number): void => {
      for (let n = 0; n < count; n++) {
        put('dev-2', point('flow', n));
        for (const asked of asker.wanted.values()) if (asked.name === 'flow') asked.answer(TAKEN);
        clock.advance(1_000);
      }
    };
    put('dev-1', point('temp', 1));
    others(7);
    expect(asker.numbers('temp')).toEqual([1, 1]);
    asker.asked[0]?.answer(BUSY);
    others(3);
    expect(asker.numbers('temp')).toEqual([1, 1]);
    expect(asker.wanted.size).toBe(1);
  });

  it('that comes late, but before the point is sent again, counts', () => {
    const { asker, clock, put, outbox } = bench();
    put('dev-1', point('temp', 1));
    clock.advance(5_000);
    asker.answerAll();
    expect(outbox.lane('dev-1').length).toBe(0);
    clock.advance(60_000);
    expect(asker.asked.length).toBe(1);
  });
});

describe('a lane that is not needed any more', () => {
  it('has nothing sent again of what was refused', () => {
    const { asker, clock, put, sender, state } = bench();
    put('dev-1', point('temp', 1));
    asker.answerAll(() => BUSY);
    sender.forget(state('dev-1'));
    clock.advance(60_000);
    expect(asker.asked.length).toBe(1);
  });
});

describe('a sender that is suspended', () => {
  it('sends nothing more, and what it has sent still counts', () => {
    const { asker, put, sender, outbox } = bench();
    put('dev-1', point('temp', 1));
    sender.suspend();
    put('dev-1', point('flow', 1));
    asker.answerAll();
    expect(asker.names()).toEqual(['temp']);
    expect(outbox.lane('dev-1').length).toBe(1);
  });
});
