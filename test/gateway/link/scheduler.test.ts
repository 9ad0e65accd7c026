import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../src/gateway/link/scheduler.js';
import { TURN_MS, type SchedulerSlot } from '../../../src/gateway/link/scheduler-slot.js';
import type { Frame } from '../../../src/transport/frame.js';
import { FakeClock } from '../../support/fake-clock.js';

const PIECE = 128;
/** What one piece costs, in ms: some small packets. */
const PIECE_MS = 0.05;

/** Of a piece: at once, and in the next turn of the loop, ms; see the scheduler for its steps. */
interface Cost {
  readonly ms: number;
  readonly later?: number;
  readonly steps?: number;
}

/** An event loop whose turns the test runs one by one, and in which work takes time. */
function loop() {
  const clock = new FakeClock();
  let next: (() => void)[] = [];
  let activeMs = 0;
  /** What has to be done in the next turn. */
  let later = 0;
  const work = (ms: number): void => {
    activeMs += ms;
    clock.advance(ms);
  };
  const scheduler = new Scheduler(clock, {
    nextTurn: (then) => void next.push(then),
    activeMs: () => activeMs,
  });
  const lines: Line[] = [];
  const line = (cost: Cost = { ms: PIECE_MS }): Line => {
    const made = new Line(scheduler, work, cost, (ms) => void (later += ms));
    lines.push(made);
    return made;
  };
  /** One turn: links that are not paused are read, then the waiting work runs. Returns ms. */
  const turn = (): number => {
    const from = clock.monotonicMs();
    if (later > 0) work(later);
    later = 0;
    for (const one of lines) one.poll();
    const due = next;
    next = [];
    for (const then of due) then();
    const took = clock.monotonicMs() - from;
    // Each turn takes some time; without work the loop waits.
    if (took > 0) work(0.01);
    else clock.advance(0.05);
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
  /** Part of the time that something takes while `act` runs: the work of one line, or all that the loop does. */
  const share = (of: Line | 'loop', act: () => void): number => {
    const spent = (): number => (of === 'loop' ? activeMs : of.workedMs);
    const [from, before] = [clock.monotonicMs(), spent()];
    act();
    return (spent() - before) / (clock.monotonicMs() - from);
  };
  /** Lets a line say something short at this pace, for this time. */
  const speak = (line: Line, everyMs: number, forMs: number): void => {
    for (let ms = 0; ms < forMs; ms += everyMs) {
      line.supply += 60;
      run(everyMs);
    }
  };
  return { clock, scheduler, work, line, turn, run, share, speak };
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
    spend: (ms: number) => void,
    private readonly cost: Cost,
    postpone: (ms: number) => void,
  ) {
    this.slot = scheduler.joinBytes(
      {
        data: (piece) => {
          const ms = (this.cost.ms * piece.length) / PIECE;
          spend(ms);
          if (this.cost.later !== undefined) postpone(this.cost.later);
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

  it('has all the time while it is alone', () => {
    const { line, run, share } = loop();
    const babbler = line();
    babbler.endless = true;
    run(2_000);
    expect(share(babbler, () => run(1_000))).toBeGreaterThan(0.9);
    expect(babbler.limited).toEqual([]);
  });

  it('leaves the loop idle half of the time while a quiet link is there, and is limited then', () => {
    const { line, run, share, speak } = loop();
    const [babbler, quiet] = [line(), line()];
    babbler.endless = true;
    run(3_000);
    expect(babbler.limited).toEqual([]);
    speak(quiet, 50, 3_000);
    expect(babbler.limited).toEqual([true]);
    expect(share('loop', () => speak(quiet, 50, 2_000))).toBeLessThan(0.51);
    expect(share(babbler, () => speak(quiet, 50, 2_000))).toBeGreaterThan(0.2);
    expect(quiet.limited).toEqual([]);
    // It has gone.
    run(1_500);
    expect(share(babbler, () => run(2_000))).toBeGreaterThan(0.9);
    // Back again: known already, so that nothing is said, nor waited for.
    speak(quiet, 50, 500);
    expect(share('loop', () => speak(quiet, 50, 2_000))).toBeLessThan(0.51);
    expect(babbler.limited).toEqual([true]);
  });

  it('leaves it idle for a link that seldom says something, as long as that is expected', () => {
    const { line, run, share, speak } = loop();
    const [babbler, quiet] = [line(), line()];
    babbler.endless = true;
    speak(quiet, 4_000, 16_000);
    expect(babbler.limited).toEqual([true]);
    expect(share('loop', () => speak(quiet, 4_000, 8_000))).toBeLessThan(0.51);
    run(9_000);
    expect(share(babbler, () => run(2_000))).toBeGreaterThan(0.9);
  });

  it('is no longer limited when it has been calm for half a minute', () => {
    const { line, speak } = loop();
    const [babbler, quiet] = [line(), line()];
    babbler.endless = true;
    speak(quiet, 100, 4_000);
    expect(babbler.limited).toEqual([true]);
    babbler.endless = false;
    speak(quiet, 100, 29_000);
    expect(babbler.limited).toEqual([true]);
    speak(quiet, 100, 2_000);
    expect(babbler.limited).toEqual([true, false]);
    babbler.endless = true;
    speak(quiet, 100, 4_000);
    expect(babbler.limited).toEqual([true, false, true]);
    babbler.slot.leave();
  });

  it('is not held for a link whose device is gone', () => {
    const { line, run, share, speak } = loop();
    const [babbler, quiet] = [line(), line()];
    babbler.endless = true;
    speak(quiet, 50, 3_000);
    quiet.slot.clear();
    run(250);
    expect(share(babbler, () => run(700))).toBeGreaterThan(0.9);
  });

  it('is served, a little, when other work keeps the loop from being idle', () => {
    const { line, run, share, speak, work, scheduler } = loop();
    const [babbler, quiet] = [line(), line()];
    babbler.endless = true;
    speak(quiet, 50, 3_000);
    expect(scheduler.clock.monotonicMs()).toBeGreaterThan(3_000);
    const beside = share(babbler, () => {
      for (let n = 0; n < 40; n++) {
        quiet.supply += 60;
        for (let m = 0; m < 100; m++) {
          work(0.45);
          run(0.05);
        }
      }
    });
    expect(beside).toBeGreaterThan(0.02);
  });
});

describe('sixteen links that send without end', () => {
  const sixteen = (line: () => Line): Line[] =>
    Array.from({ length: 16 }, () => {
      const made = line();
      made.endless = true;
      return made;
    });
  const spread = (lines: readonly Line[], act: () => void): number => {
    const before = lines.map(({ workedBytes }) => workedBytes);
    act();
    const worked = lines.map(({ workedBytes }, at) => workedBytes - before[at]!);
    return Math.max(...worked) / Math.min(...worked);
  };

  it('take turns, and none is limited: none waits for the excess of another', () => {
    const { line, run, share } = loop();
    const lines = sixteen(line);
    run(1_000);
    expect(spread(lines, () => run(5_000))).toBeLessThan(1.1);
    expect(share('loop', () => run(1_000))).toBe(1);
    expect(lines.flatMap(({ limited }) => limited)).toEqual([]);
  });

  it('are not taken for quiet when their few bytes take much time', () => {
    const { line, run } = loop();
    const [costly, cheap] = [line({ ms: 1 }), line()];
    costly.endless = true;
    cheap.endless = true;
    run(5_000);
    expect(cheap.workedBytes / costly.workedBytes).toBeGreaterThan(4);
    expect([costly.limited, cheap.limited]).toEqual([[], []]);
  });

  it('are not taken for quiet while one after the other begins, and ends', () => {
    const { line, run } = loop();
    const lines = sixteen(line);
    for (const one of lines) one.endless = false;
    for (const one of lines) {
      one.endless = true;
      run(400);
    }
    for (const one of lines.slice(1)) {
      one.endless = false;
      run(400);
    }
    expect(lines.flatMap(({ limited }) => limited)).toEqual([]);
  });

  it('leave the loop idle half of the time beside a quiet link, in equal shares and without long gaps', () => {
    const { line, run, share, speak, clock } = loop();
    const lines = sixteen(line);
    const quiet = line();
    speak(quiet, 50, 3_000);
    expect(lines.map(({ limited }) => limited)).toEqual(lines.map(() => [true]));
    expect(quiet.limited).toEqual([]);
    expect(share('loop', () => speak(quiet, 50, 2_000))).toBeLessThan(0.51);
    expect(spread(lines, () => speak(quiet, 50, 5_000))).toBeLessThan(1.1);
    // The longest time that one of them is not worked on, in turns of all: it is its turn once in each round.
    const one = lines[0]!;
    let [longest, since, before] = [0, clock.monotonicMs(), one.workedBytes];
    const services: number[] = [];
    for (let n = 0; n < 4_000; n++) {
      if (n % 100 === 0) quiet.supply += 60;
      run(0.5);
      if (one.workedBytes === before) continue;
      services.push(clock.monotonicMs() - since);
      longest = Math.max(longest, services.at(-1)!);
      [since, before] = [clock.monotonicMs(), one.workedBytes];
    }
    const mean = services.reduce((sum, ms) => sum + ms, 0) / services.length;
    expect(longest).toBeLessThan(2 * mean);
    expect(longest).toBeLessThan(30);
  });
});

describe('links beside a quiet one', () => {
  it('are held back when it waits long for all of them, though the loop is idle at times', () => {
    const { line, run, share } = loop();
    const lines = Array.from({ length: 16 }, () => line({ ms: 0.2 }));
    const quiet = line();
    const bursts = (count: number): void => {
      for (let n = 0; n < count; n++) {
        for (const one of lines) one.supply = Math.min(one.supply + PIECE, 4 * PIECE);
        if (n % 20 === 0) quiet.supply += 20;
        run(4);
      }
    };
    expect(share('loop', () => bursts(200))).toBeLessThan(0.95);
    bursts(600);
    expect(lines.map(({ limited }) => limited)).toEqual(lines.map(() => [true]));
    expect(quiet.limited).toEqual([]);
  });

  it('are not held when the machine was busy with something else for long', () => {
    const { line, run } = loop();
    const [link, quiet] = [line({ ms: 30 }), line()];
    for (let n = 0; n < 40; n++) {
      for (let m = 0; m < 8; m++) {
        if (m === 0) link.supply += PIECE;
        quiet.supply += 2;
        run(30);
      }
    }
    link.supply = PIECE;
    const before = link.workedBytes;
    link.poll();
    expect(link.workedBytes).toBe(before + PIECE);
  });

  it('do not take its place when they get little: it may say as much as they', () => {
    const { line, run } = loop();
    const lines = Array.from({ length: 16 }, () => line({ ms: 0.4 }));
    for (const one of lines) one.endless = true;
    const quiet = line();
    // 1,000 bytes in a window, where the others take 5,000 at first, and then half of that.
    for (let n = 0; n < 400; n++) {
      quiet.supply += 100;
      run(25);
    }
    const before = lines[0]!.workedMs;
    for (let n = 0; n < 80; n++) {
      quiet.supply += 100;
      quiet.poll();
      expect(quiet.supply).toBe(0);
      run(25);
    }
    expect((lines[0]!.workedMs - before) / 2_000).toBeLessThan(0.6 / 16);
    expect(quiet.limited).toEqual([]);
  });

  it('are joined by one that was quiet and is not any more', () => {
    const { line, speak } = loop();
    const [babbler, quiet, other] = [line(), line(), line()];
    babbler.endless = true;
    speakBoth(3_000);
    expect([babbler.limited, other.limited]).toEqual([[true], []]);
    other.endless = true;
    speak(quiet, 50, 3_000);
    expect([babbler.limited, other.limited, quiet.limited]).toEqual([[true], [true], []]);

    function speakBoth(forMs: number): void {
      for (let ms = 0; ms < forMs; ms += 50) {
        other.supply += 60;
        speak(quiet, 50, 50);
      }
    }
  });

  it('are read less at a time where more work follows from it', () => {
    const { line, run, speak } = loop();
    const [babbler, quiet] = [line({ ms: 0.05, later: 0.8 }), line()];
    babbler.endless = true;
    speak(quiet, 50, 6_000);
    let longest = 0;
    for (let n = 0; n < 100; n++) {
      quiet.supply += 20;
      longest = Math.max(longest, run(20));
    }
    expect(longest).toBeLessThan(2.5);
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
    const { line, run } = loop();
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
  });

  it('that keeps the loop busy for a third of the time, in bursts, is never limited', () => {
    const { line, turn, clock, share } = loop();
    const [fast, other] = [line(), line()];
    // 4 KiB take 1.6 ms here; they come each 5 ms.
    const load = share(fast, () => {
      for (let at = 0; at < 20_000; at += 5) {
        fast.supply += 4096;
        if (at % 500 === 0) other.supply += 60;
        while (clock.monotonicMs() < at + 5) {
          turn();
          if (fast.supply === 0 && !fast.paused)
            clock.advance(at + 5 - clock.monotonicMs() + 0.001);
        }
      }
    });
    expect(fast.limited).toEqual([]);
    expect(fast.supply).toBe(0);
    expect(load).toBeGreaterThan(0.3);
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
    const { line, run, share, speak } = loop();
    const large = line({ ms: 10, steps: 2_000 });
    const other = line();
    large.endless = true;
    other.supply = 60;
    run(100);
    const beside = share(large, () => speak(other, 250, 10_000));
    // Each keeps the loop for T: somebody who comes at any time waits T / 2 in a share of the cases.
    const averageWait = beside * 5;
    expect(averageWait).toBeLessThan(0.2);
    expect(averageWait).toBeGreaterThan(0.05);
  });

  it('are not followed by a pause while the packets of all others are as long', () => {
    const { line, run, share } = loop();
    for (const one of [line({ ms: 10, steps: 2_000 }), line({ ms: 10, steps: 2_000 })])
      one.endless = true;
    run(500);
    expect(share('loop', () => run(2_000))).toBeGreaterThan(0.9);
  });

  it('follow each other at once while no other link works', () => {
    const { line, run, share } = loop();
    const large = line({ ms: 10, steps: 2_000 });
    large.endless = true;
    expect(share(large, () => run(1_000))).toBeGreaterThan(0.9);
  });

  it('are not assumed when the machine was busy with something else meanwhile', () => {
    const { line, run, share } = loop();
    const healthy = line({ ms: 30, steps: 2 });
    const other = line();
    other.supply = 60;
    healthy.supply = 1024;
    const load = share(healthy, () => run(240));
    expect(healthy.supply).toBe(0);
    expect(load).toBeGreaterThan(0.9);
  });
});

describe('a channel of frames', () => {
  const frameOf = (tag: number, length: number): Frame => ({
    data: new Uint8Array(length).fill(tag),
  });
  const listener = { inputLimited: () => undefined };

  function frames() {
    const { scheduler, work, run } = loop();
    const worked: Frame[] = [];
    const source = {
      paused: false,
      pause: () => void (source.paused = true),
      resume: () => void (source.paused = false),
    };
    const worker = {
      data: ({ data }: Frame) => {
        work((PIECE_MS * data.length) / PIECE);
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
    const { scheduler, work, run } = loop();
    const ids: number[] = [];
    const worker = {
      data: ({ id, data }: Frame & { readonly id: number }) => {
        work(data.length);
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

  it('protects nobody once all links have left: one that comes then is served at once', () => {
    const { line, speak } = loop();
    const [babbler, quiet] = [line(), line()];
    babbler.endless = true;
    speak(quiet, 50, 3_000);
    expect(babbler.limited).toEqual([true]);
    babbler.endless = false;
    for (const one of [babbler, quiet]) one.slot.leave();
    const next = line();
    next.supply = 60;
    next.poll();
    expect(next.workedBytes).toBe(60);
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
