import { describe, expect, it } from 'vitest';
import { ChannelKeeper } from '../../../src/gateway/link/channel-keeper.js';
import {
  TransportError,
  type ByteChannel,
  type ChannelEvents,
  type TransportOf,
} from '../../../src/transport/transport.js';
import { Tap } from '../../../src/transport/tap.js';
import { FakeClock } from '../../support/fake-clock.js';
import { settled } from '../support.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';

/** One call of open(), to be answered by the test. */
class Attempt {
  closed = 0;
  takes = true;
  pauses = 0;
  resumes = 0;
  readonly written: Uint8Array[] = [];
  #release: (() => void) | undefined;
  #slow = false;

  constructor(
    readonly atMs: number,
    readonly events: ChannelEvents<Uint8Array>,
    private readonly opened: (channel: ByteChannel) => void,
    private readonly refused: (error: unknown) => void,
  ) {}

  /** `slow`: close() resolves only after {@link release}. */
  async succeed({ slow = false } = {}): Promise<void> {
    this.#slow = slow;
    this.opened({
      write: (bytes) => {
        this.written.push(bytes);
        return this.takes;
      },
      queued: 0,
      pause: () => void (this.pauses += 1),
      resume: () => void (this.resumes += 1),
      close: () => {
        this.closed += 1;
        return this.#slow ? new Promise((resolve) => (this.#release = resolve)) : Promise.resolve();
      },
    });
    await settled();
  }

  async fail(error: unknown = new TransportError('notFound', 'no such port')): Promise<void> {
    this.refused(error);
    await settled();
  }

  async release(): Promise<void> {
    this.#slow = false;
    this.#release?.();
    await settled();
  }

  hangUp(message = 'unplugged'): void {
    this.events.closed(new TransportError('hangup', message));
  }
}

function rig() {
  const clock = new FakeClock();
  const said: Said[] = [];
  const attempts: Attempt[] = [];
  const events: string[] = [];
  const tap = new Tap(clock);
  const transport: TransportOf<Uint8Array> = {
    description: 'a port',
    open: (channelEvents) =>
      new Promise((resolve, reject) => {
        attempts.push(new Attempt(clock.monotonicMs(), channelEvents, resolve, reject));
      }),
  };
  const keeper = new ChannelKeeper(transport, clock, recordingLog(said), tap);
  keeper.attach(
    { data: (chunk) => void events.push(Buffer.from(chunk).toString()) },
    {
      opened: () => void events.push('opened'),
      discarded: (cause) => void events.push(cause),
      closed: () => void events.push('closed'),
    },
  );
  const attempt = async (number: number): Promise<Attempt> => {
    await settled();
    const found = attempts[number - 1];
    if (found === undefined) throw new Error(`only ${String(attempts.length)} openings`);
    return found;
  };
  return { clock, said, attempts, events, keeper, attempt, tap };
}

const NO_PORT = 'port cannot be opened; trying again and again';

describe('a port that cannot be opened', () => {
  it('is tried again after 100 ms, twice as long each time up to 5 s, for ever', async () => {
    const { clock, keeper, attempts, attempt } = rig();
    keeper.start();
    for (let number = 1; number <= 40; number++) {
      await (await attempt(number)).fail();
      expect(attempts).toHaveLength(number);
      clock.advance(clock.nextTimerMs ?? 0);
    }
    await settled();
    const pauses = attempts.slice(1).map(({ atMs }, at) => atMs - (attempts[at]?.atMs ?? 0));
    expect(pauses.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    expect(new Set(pauses.slice(7))).toEqual(new Set([5000]));
  });

  it('is reported once, again after an hour, and at once for another reason', async () => {
    const { clock, keeper, attempts, said } = rig();
    keeper.start();
    const failFor = async (ms: number, message: string): Promise<void> => {
      const end = clock.monotonicMs() + ms;
      while (clock.monotonicMs() < end) {
        await settled();
        await attempts.at(-1)?.fail(new TransportError('notFound', message));
        clock.advance(clock.nextTimerMs ?? 0);
      }
    };
    await failFor(3_000_000, 'first');
    expect(complaints(said)).toEqual([NO_PORT]);
    await failFor(1_000_000, 'first');
    expect(complaints(said)).toEqual([NO_PORT, NO_PORT]);
    await failFor(1_000, 'second');
    expect(said.map(({ fields }) => fields.reason)).toEqual(['first', 'first', 'second']);
    expect(keeper.problem).toBe('second');
  });

  it('is tried again also after an unexpected error', async () => {
    const { clock, keeper, attempts, attempt, said } = rig();
    keeper.start();
    await (await attempt(1)).fail(new TypeError('surprise'));
    expect(complaints(said)).toEqual([NO_PORT]);
    expect(keeper.problem).toBe('surprise');
    clock.advance(100);
    await settled();
    expect(attempts).toHaveLength(2);
    await (await attempt(2)).succeed();
    expect(keeper.isOpen).toBe(true);
    await keeper.stop();
  });

  it('is not tried any more once the link has stopped', async () => {
    const { clock, keeper, attempts, attempt } = rig();
    keeper.start();
    await (await attempt(1)).fail();
    await keeper.stop();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(60_000);
    await settled();
    expect(attempts).toHaveLength(1);
  });

  it('is tried quickly again when the link is started anew', async () => {
    const { clock, keeper, attempts, attempt } = rig();
    keeper.start();
    for (let number = 1; number <= 8; number++) {
      await (await attempt(number)).fail();
      clock.advance(clock.nextTimerMs ?? 0);
    }
    await (await attempt(9)).fail();
    await keeper.stop();
    keeper.start();
    await (await attempt(10)).fail();
    clock.advance(100);
    await settled();
    expect(attempts).toHaveLength(11);
  });
});

describe('a port that hangs up', () => {
  it('is opened again; soon after it had lasted, later each time when it does not', async () => {
    const { clock, keeper, attempts, attempt, events, said } = rig();
    keeper.start();
    const pauses: number[] = [];
    for (const [index, lastedMs] of [10, 10, 10, 5_000, 10].entries()) {
      const opened = await attempt(index + 1);
      await opened.succeed();
      expect(keeper.problem).toBeUndefined();
      clock.advance(lastedMs);
      opened.hangUp();
      pauses.push(clock.nextTimerMs ?? -1);
      expect([keeper.isOpen, keeper.problem]).toEqual([false, 'unplugged']);
      clock.advance(clock.nextTimerMs ?? 0);
    }
    expect(pauses).toEqual([100, 200, 400, 100, 200]);
    expect(events).toEqual(pauses.flatMap(() => ['opened', 'closed']));
    expect(complaints(said)).toEqual(pauses.map(() => 'port is gone'));
    await settled();
    expect(attempts).toHaveLength(6);
  });

  it('says nothing more afterwards', async () => {
    const { clock, keeper, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    await first.succeed();
    first.events.data(Buffer.from('a'));
    first.hangUp();
    clock.advance(100);
    const second = await attempt(2);
    await second.succeed();
    second.takes = false;
    keeper.write(Buffer.from('x'));
    first.events.data(Buffer.from('b'));
    first.events.drained();
    first.hangUp();
    expect(keeper.isOpen).toBe(true);
    expect(keeper.congested).toBe(true);
    expect(events).toEqual(['opened', 'a', 'closed', 'opened']);
  });
});

describe('stopping', () => {
  it('while the port is being opened: it is closed at once, and no listener is told', async () => {
    const { clock, keeper, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    const stopped = keeper.stop();
    await first.succeed();
    await stopped;
    first.events.data(Buffer.from('a'));
    first.events.closed(undefined);
    expect(first.closed).toBe(1);
    expect(events).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    expect(keeper.isOpen).toBe(false);
  });

  it('while an opening fails: it is not tried again, and nothing is logged', async () => {
    const { clock, keeper, attempt, said } = rig();
    keeper.start();
    const first = await attempt(1);
    const stopped = keeper.stop();
    await first.fail();
    await stopped;
    expect(clock.pendingTimers).toBe(0);
    expect(complaints(said)).toEqual([]);
  });

  it('waits until the device is released', async () => {
    const { keeper, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    await first.succeed({ slow: true });
    let stopped = false;
    const stopping = keeper.stop().then(() => (stopped = true));
    await settled();
    expect([stopped, events]).toEqual([false, ['opened', 'closed']]);
    keeper.write(Buffer.from('x'));
    expect(first.written).toEqual([]);
    await first.release();
    await stopping;
    expect(stopped).toBe(true);
  });

  it('does not wait for a host that does not answer: others have to be drained', async () => {
    const { clock, keeper, attempt } = rig();
    keeper.start();
    const first = await attempt(1);
    let stopped = false;
    const stopping = keeper.stop().then(() => (stopped = true));
    await clock.advanceAsync(1_000);
    expect(stopped).toBe(true);
    await stopping;
    await first.succeed();
    expect(first.closed).toBe(1);
  });

  it('reports a hang-up of that moment only once', async () => {
    const { clock, keeper, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    await first.succeed({ slow: true });
    const stopping = keeper.stop();
    await settled();
    first.hangUp();
    await first.release();
    await stopping;
    expect(events).toEqual(['opened', 'closed']);
    expect(clock.pendingTimers).toBe(0);
    expect(keeper.problem).toBeUndefined();
  });

  it('twice has the effect of once', async () => {
    const { keeper, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    await first.succeed();
    await Promise.all([keeper.stop(), keeper.stop()]);
    expect(first.closed).toBe(1);
    expect(events).toEqual(['opened', 'closed']);
  });
});

describe('stopping and starting quickly', () => {
  it('opens the port only when it was released', async () => {
    const { keeper, attempts, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    await first.succeed({ slow: true });
    void keeper.stop();
    keeper.start();
    await settled();
    expect(attempts).toHaveLength(1);
    await first.release();
    const second = await attempt(2);
    await second.succeed();
    expect(events).toEqual(['opened', 'closed', 'opened']);
    expect(keeper.isOpen).toBe(true);
  });

  it('never has it open twice, however often', async () => {
    const { keeper, attempts, attempt, events } = rig();
    keeper.start();
    const first = await attempt(1);
    for (let times = 0; times < 5; times++) {
      void keeper.stop();
      keeper.start();
      keeper.start();
    }
    await settled();
    expect(attempts).toHaveLength(1);
    await first.succeed();
    expect(first.closed).toBe(1);
    const second = await attempt(2);
    await second.succeed();
    await settled();
    expect(attempts).toHaveLength(2);
    expect(events).toEqual(['opened']);
    await keeper.stop();
    expect(second.closed).toBe(1);
  });

  it('ends closed when stop was the last call', async () => {
    const { keeper, attempt, attempts, events } = rig();
    keeper.start();
    const first = await attempt(1);
    void keeper.stop();
    keeper.start();
    const stopped = keeper.stop();
    await first.succeed();
    await stopped;
    await settled();
    expect(attempts).toHaveLength(1);
    expect(first.closed).toBe(1);
    expect(events).toEqual([]);
  });
});

describe('a device that does not take what is written', () => {
  it('is known as congested until it has, or until the next opening', async () => {
    const { clock, keeper, attempt } = rig();
    keeper.start();
    const first = await attempt(1);
    await first.succeed();
    keeper.write(Buffer.from('a'));
    expect(keeper.congested).toBe(false);
    first.takes = false;
    keeper.write(Buffer.from('b'));
    expect(keeper.congested).toBe(true);
    first.events.drained();
    expect(keeper.congested).toBe(false);
    keeper.write(Buffer.from('c'));
    expect(first.written.map(String)).toEqual(['a', 'b', 'c']);
    first.hangUp();
    clock.advance(100);
    await (await attempt(2)).succeed();
    expect(keeper.congested).toBe(false);
  });
});

it('an observer hears of openings, of what is thrown away, and why the port is closed', async () => {
  const { keeper, attempt, tap, clock } = rig();
  const heard: string[] = [];
  tap.observe({
    tapped: (event) => {
      const [detail = ''] = [
        'reason' in event ? event.reason : undefined,
        'transport' in event ? event.transport : undefined,
        'cause' in event ? event.cause : undefined,
      ].filter((one) => one !== undefined);
      heard.push(`${event.kind} ${detail}`);
    },
  });
  keeper.start();
  await (await attempt(1)).fail();
  clock.advance(100);
  await (await attempt(2)).fail();
  clock.advance(200);
  const third = await attempt(3);
  await third.succeed();
  third.events.discarded('canOverrun', {});
  expect(third.events.tap).toBe(tap);
  third.hangUp();
  await keeper.stop();
  expect(heard).toEqual([
    'closed no such port',
    'opened a port',
    'discarded canOverrun',
    'closed unplugged',
    expect.stringMatching(/^closed the gateway has closed it: /),
  ]);
});
