import { describe, expect, it } from 'vitest';
import { Scheduler, TURN_MS, type SchedulerSlot } from '../../../src/gateway/link/scheduler.js';
import type { Frame } from '../../../src/transport/frame.js';
import { FakeClock } from '../../support/fake-clock.js';

const PIECE = 128;
/** What one piece costs, in ms: some small packets. */
const PIECE_MS = 0.05;

/** An event loop whose turns the test runs one by one, and in which work takes time. */
function loop() {
  const clock = new FakeClock();
  let next: (() => void)[] = [];
  const scheduler = new Scheduler(clock, (then) => void next.push(then));
  const lines: Line[] = [];
  const line = (cost: { ms: number; steps?: number } = { ms: PIECE_MS }): Line => {
    const made = new Line(scheduler, clock, cost);
    lines.push(made);
    return made;
  };
  /** One turn: links that are not paused are read, then the waiting work runs. Returns ms. */
  const turn = (): number => {
    const from = clock.monotonicMs();
    for (const one of lines) one.poll();
    const due = next;
    next = [];
    for (const then of due) then();
    const took = clock.monotonicMs() - from;
    // Each turn takes some time.
    clock.advance(0.01);
    return took;
  };
  /** Runs turns for this time; returns the longest one. */
  const run = (forMs: number): number => {
    let longest = 0;
    for (const end = clock.monotonicMs() + forMs; clock.monotonicMs() < end;) {
      longest = Math.max(longest, turn());
    }
    return longest;
  };
  return { clock, scheduler, line, turn, run };
}

class Line {
  /** Received by the kernel; not read while paused. */
  supply = 0;
  /** Never ends. */
  endless = false;
  paused = false;
  workedBytes = 0;
  workedMs = 0;
  record = false;
  readonly work: Uint8Array[] = [];
  readonly limited: boolean[] = [];
  readonly slot: SchedulerSlot<Uint8Array>;

  constructor(
    scheduler: Scheduler,
    private readonly clock: FakeClock,
    private readonly cost: { ms: number; steps?: number },
  ) {
    this.slot = scheduler.joinBytes(
      {
        data: (piece) => {
          const ms = (this.cost.ms * piece.length) / PIECE;
          clock.advance(ms);
          this.workedMs += ms;
          this.workedBytes += piece.length;
          if (this.record) this.work.push(Uint8Array.from(piece));
          return this.cost.steps ?? 1;
        },
      },
      { inputLimited: (limited) => void this.limited.push(limited) },
    );
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  poll(): void {
    // A tty gives 4 KiB, a socket is read again and again: one buffer after the other.
    for (let read = 0; read < 32 && !this.paused && (this.endless || this.supply > 0); read++) {
      const size = this.endless ? 4096 : Math.min(this.supply, 4096);
      this.supply -= this.endless ? 0 : size;
      this.slot.data(new Uint8Array(size), this);
    }
  }

  /** Load on the loop since `before`, 0 to 1. */
  loadSince(before: { ms: number; at: number }): number {
    return (this.workedMs - before.ms) / (this.clock.monotonicMs() - before.at);
  }
  mark(): { ms: number; at: number } {
    return { ms: this.workedMs, at: this.clock.monotonicMs() };
  }
}

/**
 * The longest turn: reading and waiting work have TURN_MS each, and each link finishes its
 * piece.
 */
const longestTurnMs = (links: number): number => 2 * TURN_MS + (links + 1) * PIECE_MS;

describe('a link that sends without end', () => {
  it('never blocks the event loop for long', () => {
    const { line, run } = loop();
    const babbler = line();
    babbler.endless = true;
    expect(run(500)).toBeLessThan(longestTurnMs(1));
    expect(babbler.workedBytes).toBeGreaterThan(0);
  });

  it('does not block it longer together with others of its kind', () => {
    const { line, run } = loop();
    const babblers = [line(), line(), line(), line()];
    for (const babbler of babblers) babbler.endless = true;
    run(50);
    expect(run(500)).toBeLessThan(longestTurnMs(4) + 0.001);
    const worked = babblers.map(({ workedBytes }) => workedBytes);
    expect(Math.max(...worked) / Math.min(...worked)).toBeLessThan(1.2);
  });

  it('has all the time while it is alone, and little while another link works', () => {
    const { line, run } = loop();
    const babbler = line();
    const other = line();
    babbler.endless = true;
    run(1_500);
    expect(babbler.limited).toEqual([true]);
    const alone = babbler.mark();
    run(1_000);
    expect(babbler.loadSince(alone)).toBeGreaterThan(0.9);
    const beside = babbler.mark();
    for (let n = 0; n < 20; n++) {
      other.supply += 60;
      run(50);
    }
    expect(babbler.loadSince(beside)).toBeLessThan(0.1);
    expect(other.workedBytes).toBe(20 * 60);
    expect(other.limited).toEqual([]);
  });

  it('is reported as limited once, for as long as it goes on, and no longer when it has been calm', () => {
    const { line, run } = loop();
    const babbler = line();
    const other = line();
    babbler.endless = true;
    for (let n = 0; n < 150; n++) {
      other.supply += 60;
      run(100);
    }
    expect(babbler.limited).toEqual([true]);
    babbler.endless = false;
    run(45_000);
    expect(babbler.limited).toEqual([true, false]);
    babbler.endless = true;
    run(3_000);
    expect(babbler.limited).toEqual([true, false, true]);
    babbler.slot.leave();
  });
});

describe('a healthy link', () => {
  it('is served at once, whole, in the call that brings the data', () => {
    const { line } = loop();
    const healthy = line();
    healthy.supply = 100;
    healthy.poll();
    expect(healthy.workedBytes).toBe(100);
    expect(healthy.paused).toBe(false);
  });

  it('gets all that it sent, in order, whatever the pauses', () => {
    const { scheduler, clock, line, run } = loop();
    const healthy = line();
    healthy.record = true;
    const bytes = Uint8Array.from({ length: 4096 }, (_, at) => at & 0xff);
    const lent = Uint8Array.from(bytes);
    healthy.slot.data(lent, healthy);
    // The channel uses its buffer again.
    lent.fill(0x55);
    expect(healthy.paused).toBe(true);
    healthy.slot.data(Uint8Array.of(1, 2, 3), healthy);
    run(20);
    expect(Buffer.concat(healthy.work)).toEqual(Buffer.from([...bytes, 1, 2, 3]));
    expect(healthy.paused).toBe(false);
    expect(scheduler.hasCompetitor(healthy.slot, clock.monotonicMs())).toBe(false);
  });

  it('that keeps the loop busy for a third of the time, in bursts, is never limited', () => {
    const { line, turn, clock } = loop();
    const [fast, other] = [line(), line()];
    const from = fast.mark();
    // 4 KiB take 1.6 ms here; they come each 5 ms.
    for (let at = 0; at < 20_000; at += 5) {
      fast.supply += 4096;
      if (at % 500 === 0) other.supply += 60;
      while (clock.monotonicMs() < at + 5) {
        turn();
        if (fast.supply === 0 && !fast.paused) clock.advance(at + 5 - clock.monotonicMs() + 0.001);
      }
    }
    expect(fast.limited).toEqual([]);
    expect(fast.supply).toBe(0);
    expect(fast.loadSince(from)).toBeGreaterThan(0.3);
  });

  it('waits for a link that sends without end no longer than a turn', () => {
    const { line, run, turn } = loop();
    const babbler = line();
    const healthy = line();
    babbler.endless = true;
    run(3_000);
    for (let n = 0; n < 50; n++) {
      healthy.supply += 60;
      turn();
      expect(healthy.supply).toBe(0);
      expect(healthy.workedBytes).toBe((n + 1) * 60);
      run(20);
    }
  });
});

describe('packets that take longer than a turn', () => {
  // 64 KiB of points: one piece in many takes 10 ms.
  it('are followed by a pause while others work: on average none waits for them', () => {
    const { line, run } = loop();
    const large = line({ ms: 10, steps: 2_000 });
    const other = line();
    large.endless = true;
    other.supply = 60;
    run(100);
    const beside = large.mark();
    for (let n = 0; n < 40; n++) {
      other.supply += 60;
      run(250);
    }
    // Each keeps the loop for T: somebody who comes at any time waits T / 2 in a share of the cases.
    const averageWait = large.loadSince(beside) * 5;
    expect(averageWait).toBeLessThan(0.2);
    expect(averageWait).toBeGreaterThan(0.05);
  });

  it('follow each other at once while no other link works', () => {
    const { line, run } = loop();
    const large = line({ ms: 10, steps: 2_000 });
    large.endless = true;
    const alone = large.mark();
    run(1_000);
    expect(large.loadSince(alone)).toBeGreaterThan(0.9);
  });

  it('are not assumed when the machine was busy with something else meanwhile', () => {
    const { line, run } = loop();
    const healthy = line({ ms: 30, steps: 2 });
    const other = line();
    other.supply = 60;
    healthy.supply = 1024;
    const from = healthy.mark();
    run(240);
    expect(healthy.supply).toBe(0);
    expect(healthy.loadSince(from)).toBeGreaterThan(0.9);
  });
});

describe('a channel of frames', () => {
  const frameOf = (tag: number, length: number): Frame => ({
    data: new Uint8Array(length).fill(tag),
  });
  const listener = { inputLimited: () => undefined };

  function frames() {
    const { scheduler, clock, run } = loop();
    const worked: Frame[] = [];
    const source = {
      paused: false,
      pause: () => void (source.paused = true),
      resume: () => void (source.paused = false),
    };
    const worker = {
      data: ({ data }: Frame) => {
        clock.advance((PIECE_MS * data.length) / PIECE);
        worked.push({ data: Uint8Array.from(data) });
        return 1;
      },
    };
    const slot = scheduler.joinFrames(worker, listener);
    const take = (frame: Frame): void => slot.data(frame, source);
    const lengths = (): number[] => worked.map(({ data }) => data.length);
    return { take, run, worked, lengths, source };
  }

  it('is worked on frame by frame: none is cut, whatever its length', () => {
    const { take, lengths } = frames();
    take(frameOf(1, PIECE + 1));
    take(frameOf(2, 40 * PIECE));
    expect(lengths()).toEqual([PIECE + 1, 40 * PIECE]);
  });

  it('waits for the next turn after a long frame; frames that come meanwhile come then, whole and in order', () => {
    const { take, run, worked, lengths, source } = frames();
    take(frameOf(1, 40 * PIECE));
    expect(source.paused).toBe(true);
    const lent = frameOf(2, 2 * PIECE);
    take(lent);
    // The channel uses its buffer again.
    lent.data.fill(0x55);
    take(frameOf(3, 3 * PIECE));
    take(frameOf(4, 0));
    expect(lengths()).toEqual([40 * PIECE]);
    run(5);
    expect(lengths()).toEqual([40 * PIECE, 2 * PIECE, 3 * PIECE, 0]);
    expect(worked.map(({ data }) => data[0])).toEqual([1, 2, 3, undefined]);
    expect(source.paused).toBe(false);
  });

  it('keeps all fields of a frame', () => {
    const { scheduler, clock, run } = loop();
    const ids: number[] = [];
    const worker = {
      data: ({ id, data }: Frame & { readonly id: number }) => {
        clock.advance(data.length);
        ids.push(id);
        return 1;
      },
    };
    const slot = scheduler.joinFrames(worker, listener);
    const source = { pause: () => undefined, resume: () => undefined };
    slot.data({ id: 7, ...frameOf(1, 2 * PIECE) }, source);
    slot.data({ id: 8, ...frameOf(1, 1) }, source);
    run(300);
    expect(ids).toEqual([7, 8]);
  });

  it('has another type than a channel of bytes: the compiler refuses to mix them', () => {
    const { scheduler } = loop();
    const source = { pause: () => undefined, resume: () => undefined };
    const bytes = scheduler.joinBytes({ data: () => 0 }, listener);
    const whole = scheduler.joinFrames<Frame>({ data: () => 0 }, listener);
    // @ts-expect-error: a frame among bytes would be cut.
    expect(() => bytes.data(frameOf(1, 3), source)).toThrow();
    // @ts-expect-error: bytes among frames would be taken for a packet.
    expect(() => whole.data(new Uint8Array(3), source)).toThrow();
  });
});

describe('a link whose channel is closed', () => {
  it('has nothing left to do, and begins anew', () => {
    const { line, run } = loop();
    const babbler = line();
    babbler.slot.data(new Uint8Array(4096), babbler);
    const done = babbler.workedBytes;
    babbler.slot.clear();
    run(50);
    expect(babbler.workedBytes).toBe(done);
    babbler.paused = false;
    babbler.supply = 60;
    run(1);
    expect(babbler.workedBytes).toBe(done + 60);
  });

  it('leaves no timer behind, also while it is limited', () => {
    const { clock, line, run } = loop();
    const [babbler, other] = [line(), line()];
    babbler.endless = true;
    for (let n = 0; n < 30; n++) {
      other.supply += 60;
      run(100);
    }
    babbler.endless = false;
    expect(babbler.limited).toEqual([true]);
    babbler.slot.leave();
    other.slot.leave();
    clock.advance(5);
    expect(clock.pendingTimers).toBe(0);
  });
});
