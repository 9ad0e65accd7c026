/** Samples of high-rate channels (docs/wire.md, "High rate"): checks, times, gaps, restarts. */
import { describe, expect, it } from 'vitest';
import { readHighRate } from '../../../src/packet/high-rate.js';
import { fromHex, loadVectors } from '../../firmware-sim/vectors.js';
import { FakeClock } from '../../support/fake-clock.js';
import { SessionHarness, ackAll } from '../../support/session-harness.js';

const MS = 1_000_000;
/** A real time of the past. */
const REAL_NS = 1_767_000_000_000_000_000n;

interface Given {
  readonly type?: string | Uint8Array;
  readonly key?: string;
  readonly startNs?: bigint;
  readonly periodNs?: number;
  readonly samples?: readonly number[];
}

function phr({
  type = 'vib',
  key = 'x',
  startNs = 0n,
  periodNs = MS,
  samples = [1, 2, 3, 4],
}: Given = {}): Buffer {
  const bytes = Buffer.alloc(44 + 4 * samples.length);
  bytes.set(typeof type === 'string' ? Buffer.from(type) : type);
  bytes.write(key, 16);
  bytes.writeBigUInt64LE(startNs, 32);
  bytes.writeUInt32LE(periodNs, 40);
  samples.forEach((sample, i) => bytes.writeFloatLE(sample, 44 + 4 * i));
  return bytes;
}

const startsOf = (harness: SessionHarness): bigint[] =>
  harness.streamed.map((payload) => readHighRate(payload)?.startNs ?? -1n);

describe('a high-rate packet', () => {
  it.each(['g1-phr', 'g2-phr'])('%s is handed on byte for byte, and not acknowledged', (name) => {
    const harness = SessionHarness.opened({ acks: ackAll });
    harness.take();
    const vector = loadVectors().find((one) => one.name === name);
    const payload = Buffer.from(fromHex(vector?.hex ?? '')).subarray(17, -2);
    harness.packet(4, 'phr', payload);
    expect(harness.streamed.map((bytes) => Buffer.from(bytes))).toEqual([payload]);
    expect(harness.take()).toEqual([]);
    expect(harness.session.state.counters).toMatchObject({ hrRx: 1, rx: 0, errorCountHR: 0 });
  });

  it('is handed on as it is with a partial sample at its end, and with values that are no numbers', () => {
    const harness = SessionHarness.opened();
    const payload = Buffer.concat([
      phr({ startNs: REAL_NS, samples: [Number.NaN, Infinity] }),
      Buffer.of(1, 2),
    ]);
    harness.packet(1, 'phr', payload);
    expect(Buffer.from(harness.streamed[0] ?? [])).toEqual(payload);
  });

  it('does not share its bytes with the next one', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr({ startNs: REAL_NS, samples: [1, 2] }));
    harness.packet(2, 'phr', phr({ startNs: REAL_NS, samples: [7, 8] }));
    expect(harness.streamed[0]).toEqual(phr({ startNs: REAL_NS, samples: [1, 2] }));
  });

  it.each<[string, Buffer]>([
    ['without a sample', phr({ samples: [] })],
    ['with a part of one', phr().subarray(0, 47)],
    ['that is empty', Buffer.alloc(0)],
    ['whose period is 0', phr({ periodNs: 0 })],
    ['without a type', phr({ type: '' })],
    ['whose type has a dot', phr({ type: 'a.b' })],
    ['whose key has a space', phr({ key: 'a b' })],
    ['whose type has a NUL inside', phr({ type: 'a\0b' })],
    ['whose type is not UTF-8', phr({ type: Uint8Array.of(0xff, 0xfe) })],
  ])('%s is counted in errorCountHR, logged once, and not handed on', (_what, payload) => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', payload);
    harness.packet(2, 'phr', payload);
    expect(harness.streamed).toEqual([]);
    const { counters } = harness.session.state;
    expect(counters).toMatchObject({ hrRx: 2, errorCountHR: 2, errorCount: 0 });
    expect(harness.count('highRate')).toBe(2);
    expect(harness.log.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('cannot have a type that belongs to the gateway', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr({ type: 'connected' }));
    expect(harness.streamed).toEqual([]);
    expect(harness.count('reserved')).toBe(1);
  });

  it('of one more channel than 256 is counted, and those before go on', () => {
    const harness = SessionHarness.opened();
    for (let n = 0; n <= 256; n++) harness.packet(1, 'phr', phr({ key: String(n) }));
    harness.packet(1, 'phr', phr({ key: '0' }));
    expect(harness.streamed).toHaveLength(257);
    expect(harness.count('tooManyChannels')).toBe(1);
  });

  it('of a node that somebody deleted is counted', () => {
    const harness = SessionHarness.opened();
    harness.outbox = 'dropped';
    harness.packet(1, 'phr', phr());
    expect(harness.count('nodeDeleted')).toBe(1);
  });
});

describe('the start time', () => {
  it('0 is the time of arrival; packets that follow each other have no gap between them', () => {
    const harness = SessionHarness.opened();
    const atNs = harness.clock.wallNs();
    harness.packet(1, 'phr', phr());
    // The second was ready at 4 ms, and comes late.
    harness.advance(7);
    harness.packet(2, 'phr', phr());
    const [first, second] = startsOf(harness);
    expect(first).toBe(atNs);
    expect(Number(second) - Number(atNs)).toBeGreaterThanOrEqual(4 * MS);
    expect(Number((second ?? 0n) - atNs)).toBeLessThan(4 * MS + 10_000);
    expect(harness.count('stampedTime')).toBe(2);
  });

  it('0 after a pause is the time of arrival again', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr());
    harness.advance(2_000);
    harness.packet(2, 'phr', phr());
    expect(startsOf(harness)[1]).toBe(harness.clock.wallNs());
  });

  it('0 never gives two samples one time, however early packets come', () => {
    const harness = SessionHarness.opened();
    for (let n = 1; n <= 20; n++) harness.packet(n, 'phr', phr());
    const starts = startsOf(harness);
    starts.slice(1).forEach((ns, i) => {
      expect(ns).toBeGreaterThan((starts[i] ?? 0n) + BigInt(3 * MS));
    });
  });

  it('that counts from the device’s start is mapped with the clock of its points', () => {
    const harness = SessionHarness.opened();
    harness.advance(5_000);
    harness.points([{ type: 'temp', value: 1, time: 3_000_000_000n }], 1);
    const atNs = harness.clock.wallNs();
    harness.advance(500);
    // Taken 100 ms after the point, though it comes 400 ms later than that.
    harness.packet(2, 'phr', phr({ startNs: 3_100_000_000n }));
    expect(startsOf(harness)).toEqual([atNs + 100_000_000n]);
    expect(harness.count('mappedTime')).toBe(2);
  });

  it('that was before 1970 by this machine’s clock, which is not set, is 0', () => {
    const harness = SessionHarness.opened({ clock: new FakeClock(5_000_000_000n) });
    harness.points([{ type: 'temp', value: 1, time: 100_000_000_000n }], 1);
    harness.packet(2, 'phr', phr({ startNs: 60_000_000_000n }));
    harness.packet(3, 'phr', phr({ startNs: 60_004_000_000n }));
    harness.packet(4, 'phr', phr({ startNs: 99_000_000_000n }));
    expect(startsOf(harness)).toEqual([0n, 0n, 4_000_000_000n]);
  });

  it('far ahead of this machine’s clock is the time of arrival', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr({ startNs: 0xffff_ffff_ffff_ffffn }));
    expect(startsOf(harness)).toEqual([harness.clock.wallNs()]);
    expect(harness.count('futureTime')).toBe(1);
  });
});

describe('a gap', () => {
  it('is found by the start times, and logged once a minute with what is missing', () => {
    const harness = SessionHarness.opened();
    const at = (n: number): bigint => REAL_NS + BigInt(n * MS);
    harness.packet(1, 'phr', phr({ startNs: at(0) }));
    harness.packet(2, 'phr', phr({ startNs: at(4) }));
    expect(harness.count('highRateGap')).toBe(0);
    harness.packet(3, 'phr', phr({ startNs: at(11) }));
    harness.packet(4, 'phr', phr({ startNs: at(16) }));
    expect(harness.count('highRateGap')).toBe(2);
    const said = harness.log.filter(({ level }) => level === 'warn');
    expect(said).toMatchObject([
      {
        message: 'samples of a high-rate channel are missing',
        fields: { type: 'vib', key: 'x', samples: 3 },
      },
    ]);
    expect(harness.streamed).toHaveLength(4);
  });

  it('is not seen where a clock is off by less than half a period', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr({ startNs: REAL_NS }));
    harness.packet(2, 'phr', phr({ startNs: REAL_NS + BigInt(4.4 * MS) }));
    expect(harness.count('highRateGap')).toBe(0);
  });

  it.each([
    ['none', 0n],
    ['from its start', 60_000_000_000n],
  ])('is none where a device gets the time; before, its clock was: %s', (_what, startNs) => {
    const harness = SessionHarness.opened();
    const starts = [startNs, startNs === 0n ? 0n : startNs + BigInt(4 * MS)];
    [...starts, REAL_NS, REAL_NS + BigInt(4 * MS), startNs].forEach((start, n) => {
      harness.packet(n + 1, 'phr', phr({ startNs: start }));
    });
    expect(harness.count('highRateGap')).toBe(0);
    expect(harness.count('restart')).toBe(0);
    harness.packet(6, 'phr', phr({ startNs: REAL_NS + BigInt(60 * MS) }));
    harness.packet(7, 'phr', phr({ startNs: REAL_NS + BigInt(66 * MS) }));
    expect(harness.count('highRateGap')).toBe(1);
  });

  it('is of one channel, and another one has its own', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr({ key: 'x', startNs: REAL_NS }));
    harness.packet(2, 'phr', phr({ key: 'y', startNs: REAL_NS + 1n }));
    harness.packet(3, 'phr', phr({ key: 'x', startNs: REAL_NS + BigInt(4 * MS) }));
    expect(harness.count('highRateGap')).toBe(0);
  });

  it.each<[string, readonly number[], number]>([
    ['follows', [1, 2, 3], 0],
    ['wraps without 0', [254, 255, 1], 0],
    ['wraps with 0', [0, 1, 255, 0], 1],
    ['stands still', [7, 7, 7], 0],
    ['jumps', [1, 4, 5], 1],
    ['jumps over the wrap', [254, 3], 1],
  ])('is found by the sequence where there is no time: %s', (_what, sequences, gaps) => {
    const harness = SessionHarness.opened();
    for (const sequence of sequences) {
      harness.packet(sequence, 'phr', phr());
      harness.advance(4);
    }
    expect(harness.count('highRateGap')).toBe(gaps);
  });

  it('is none where points of the device come between, with the sequence of all packets or one of their own', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'phr', phr());
    harness.points([{ type: 'temp', value: 1 }], 2);
    harness.packet(3, 'phr', phr());
    harness.points([{ type: 'temp', value: 2 }], 200);
    harness.packet(4, 'phr', phr());
    expect(harness.count('highRateGap')).toBe(0);
  });

  it('is none where log lines and blocks of files come between, and their sequence is no sign of a restart', () => {
    const harness = SessionHarness.opened();
    const text = Buffer.from('valve open');
    harness.packet(1, 'phr', phr());
    harness.packet(2, 'log', text);
    harness.packet(3, 'phr', phr());
    harness.packet(4, 'file', text);
    harness.packet(5, 'phr', phr());
    // A device whose log lines have no sequence.
    harness.packet(0, 'log', text);
    harness.packet(6, 'phr', phr());
    harness.packet(9, 'ack');
    harness.packet(7, 'phr', phr());
    expect([harness.count('restart'), harness.count('highRateGap')]).toEqual([0, 0]);
    harness.packet(0, 'log', text);
    harness.packet(9, 'phr', phr());
    expect(harness.count('highRateGap')).toBe(1);
  });

  it('in which the sequence falls is no restart', () => {
    const harness = SessionHarness.opened();
    harness.packet(100, 'phr', phr({ startNs: REAL_NS }));
    harness.packet(1, 'phr', phr({ startNs: REAL_NS + BigInt(160 * 4 * MS) }));
    expect([harness.count('restart'), harness.count('highRateGap')]).toEqual([0, 1]);
  });

  it('in which the sequence falls is no restart without times either, where so much time has passed', () => {
    const harness = SessionHarness.opened();
    harness.packet(100, 'phr', phr());
    harness.advance(156 * 4);
    harness.packet(1, 'phr', phr());
    expect([harness.count('restart'), harness.count('highRateGap')]).toEqual([0, 1]);
  });
});

describe('a restart', () => {
  it('is told by a sequence that falls where no gap explains it', () => {
    const harness = SessionHarness.opened();
    harness.packet(100, 'phr', phr());
    harness.packet(1, 'phr', phr());
    expect(harness.count('restart')).toBe(1);
  });

  it('is told by a start time that falls, and what follows is no gap', () => {
    const harness = SessionHarness.opened();
    harness.packet(100, 'phr', phr({ startNs: 9_000_000_000n }));
    harness.packet(5, 'phr', phr({ startNs: 1_000_000_000n }));
    harness.packet(6, 'phr', phr({ startNs: 1_004_000_000n }));
    expect([harness.count('restart'), harness.count('highRateGap')]).toEqual([1, 0]);
  });
});

/** A device with samples each 4 ms, whose packets with points are sometimes lost, and with that repeated. */
class StreamingDevice {
  readonly harness = SessionHarness.opened();
  readonly #beganMs = this.harness.clock.monotonicMs();
  sequence = 0;
  /** The device has restarted at this time. */
  #startMs = this.#beganMs - 500_000;

  constructor(
    /** One counter for all packets, or one for each subject. */
    private readonly counter: 'one' | 'two',
    /** Its times count from its start, or it has none. */
    private readonly time: 'fromStart' | 'none',
  ) {}

  /** So that a counter of their own wraps, too. */
  #points = 245;

  nextPoints(): { sequence: number; time: bigint } {
    if (this.counter === 'one') this.sequence = after(this.sequence);
    this.#points = after(this.#points);
    return { sequence: this.counter === 'one' ? this.sequence : this.#points, time: this.now };
  }

  get now(): bigint {
    if (this.time === 'none') return 0n;
    return BigInt(this.harness.clock.monotonicMs() - this.#startMs) * 1_000_000n;
  }

  send({ sequence, time }: { sequence: number; time: bigint }): void {
    this.harness.points([{ type: 'temp', value: sequence, time }], sequence);
  }

  stream(packets: number): void {
    for (let n = 0; n < packets; n++) {
      this.sequence = after(this.sequence);
      this.harness.packet(this.sequence, 'phr', phr({ startNs: this.now }));
      this.harness.advance(4);
    }
  }

  streamTo(sequence: number): void {
    this.stream((sequence - this.sequence + 255) % 255);
  }

  restart(): void {
    this.sequence = 0;
    this.#points = 0;
    this.#startMs = this.harness.clock.monotonicMs();
    this.harness.advance(10);
  }

  get restarts(): number {
    return this.harness.count('restart');
  }
}

const after = (sequence: number): number => (sequence % 255) + 1;

describe.each(['one', 'two'] as const)('points beside samples, %s counter', (counter) => {
  describe.each(['fromStart', 'none'] as const)('times: %s', (time) => {
    it('that were lost and are repeated after a second are no restart', () => {
      const device = new StreamingDevice(counter, time);
      for (let n = 0; n < 12; n++) {
        device.send(device.nextPoints());
        device.streamTo(255);
        const lost = device.nextPoints();
        device.stream(20 * n + 5);
        device.send(lost);
        device.stream(3);
        device.send(lost);
      }
      expect(device.restarts).toBe(0);
    });

    it.each([
      ['points first', true],
      ['samples first', false],
    ])('do not hide a restart: %s', (_, arePointsFirst) => {
      const device = new StreamingDevice(counter, time);
      for (let n = 0; n < 5; n++) {
        device.send(device.nextPoints());
        device.stream(40);
      }
      device.restart();
      if (!arePointsFirst) device.stream(1);
      device.send(device.nextPoints());
      device.stream(300);
      device.send(device.nextPoints());
      device.stream(300);
      expect(device.restarts).toBe(1);
    });
  });
});

describe('a restart of a device that counts all packets together, without times', () => {
  it.each<[string, (device: StreamingDevice) => void]>([
    ['samples come again', (device) => device.stream(1)],
    [
      'only points come',
      (device) => {
        device.harness.advance(2_000);
        device.send(device.nextPoints());
      },
    ],
  ])('is found after hundreds of samples: %s', (_, goOn) => {
    const device = new StreamingDevice('one', 'none');
    device.stream(90);
    device.send(device.nextPoints());
    device.stream(300);
    device.restart();
    device.harness.advance(1_500);
    device.send(device.nextPoints());
    goOn(device);
    expect(device.restarts).toBe(1);
    expect(device.harness.restarts[0]?.why).toContain('has fallen from 91 to 1');
  });
});

describe('a device whose samples stop after it has repeated a point', () => {
  it('has not restarted when its sequence wraps later', () => {
    const device = new StreamingDevice('one', 'none');
    device.stream(90);
    device.send(device.nextPoints());
    device.streamTo(255);
    const lost = device.nextPoints();
    device.stream(40);
    device.send(lost);
    for (let n = 0; n < 300; n++) {
      device.harness.advance(1_000);
      device.send(device.nextPoints());
    }
    expect(device.restarts).toBe(0);
  });
});

describe('the gateway starts again while samples come', () => {
  it('and no point that is repeated then is a restart; a start clock that has fallen is one', () => {
    const device = new StreamingDevice('one', 'fromStart');
    device.stream(90);
    device.send(device.nextPoints());
    device.stream(163);
    const lost = device.nextPoints();
    expect(lost.sequence).toBe(255);
    device.stream(100);
    const second = device.harness.reborn();
    second.open();
    second.points([{ type: 'temp', value: 1, time: lost.time }], 1);
    second.packet(device.sequence + 1, 'phr', phr({ startNs: device.now }));
    expect(second.count('restart')).toBe(0);
    second.packet(7, 'phr', phr({ startNs: 1_000_000_000n }));
    expect(second.count('restart')).toBe(1);
  });
});
