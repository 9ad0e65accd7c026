/** docs/contract.md, "Times": the mapping of a device's own clock, over days. Seeds are printed. */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { DeviceClock } from '../../../src/session/receiving/device-time.js';
import { FakeClock } from '../../support/fake-clock.js';
import { SessionHarness } from '../../support/session-harness.js';

const MS = 1_000_000;
const DAY_MS = 86_400_000;
const SEED = Number(process.env.SEED ?? 20_261_125);

interface Case {
  /** Of the device's crystal at a time, parts of one. */
  readonly drift: (ms: number) => number;
  /** Of a packet made at a time, ms. */
  readonly delay: (ms: number, random: SeededRandom) => number;
  readonly everyMs?: number;
  readonly days?: number;
  /** The gateway's wall clock steps at some packets. */
  readonly steps?: boolean;
}

interface Errors {
  /** Mapped minus true, ms; after ten minutes. */
  readonly earliest: number;
  readonly latest: number;
  readonly typical: number;
  /** Times that did not increase with the device's. */
  readonly backwards: number;
}

/** A device samples, its line delays, and the mapped times are compared with the true ones. */
function simulate(
  { drift, delay, everyMs = 10_000, days = 3, steps = false }: Case,
  seed = SEED,
): Errors {
  const random = new SeededRandom(seed);
  const clock = new FakeClock();
  const device = new DeviceClock();
  let deviceMs = 0;
  let lastArrivalMs = 0;
  let before = 0n;
  let backwards = 0;
  const errors: number[] = [];
  for (let madeMs = 0; madeMs < days * DAY_MS; madeMs += everyMs) {
    deviceMs += everyMs * (1 + drift(madeMs));
    // A line keeps the order.
    const arrivalMs = Math.max(lastArrivalMs, madeMs + delay(madeMs, random));
    clock.advance(arrivalMs - lastArrivalMs);
    lastArrivalMs = arrivalMs;
    if (steps && random.chance(0.001)) clock.stepWall((random.next() - 0.5) * 20 * 365 * DAY_MS);
    const arrival = { ns: clock.wallNs(), ms: clock.monotonicMs() };
    const deviceNs = BigInt(Math.round(deviceMs * MS));
    device.learn(deviceNs, arrival);
    const { ns, kind } = device.map(deviceNs, arrival);
    expect(kind).toBe('mapped');
    const age = Number(arrival.ns - ns) / MS;
    expect(age).toBeGreaterThanOrEqual(0);
    // Without the steps of the wall clock, which no time can increase over.
    const mapped = BigInt(Math.round((arrivalMs - age) * MS));
    if (mapped < before) backwards += 1;
    before = mapped;
    if (madeMs > 600_000) errors.push(arrivalMs - age - madeMs);
  }
  const sorted = [...errors].sort((a, b) => Math.abs(a) - Math.abs(b));
  return {
    earliest: Math.min(...errors.slice(0, 1), ...sorted.slice(-2000)),
    latest: Math.max(...sorted.slice(-2000)),
    typical: Math.abs(sorted[Math.floor(sorted.length / 2)]!),
    backwards,
  };
}

const steady = (ppm: number) => () => ppm / 1e6;
/** Day and night, and a heater that switches every 20 min. */
const swinging = (ms: number): number =>
  (120 * Math.sin((2 * Math.PI * ms) / DAY_MS) + 80 * Math.sign(Math.sin(ms / 190_000))) / 1e6;
const jitter =
  (leastMs: number, mostMs: number) =>
  (_: number, random: SeededRandom): number =>
    leastMs + random.next() * (mostMs - leastMs);
/** Prompt now and then, else seconds late. */
const busy = (_: number, random: SeededRandom): number =>
  random.chance(0.1) ? 2 : 2 + random.next() * 5_000;
/** From time to time nothing gets through for up to an hour, then all of it at once. */
const outages = (ms: number, random: SeededRandom): number => {
  const inPeriod = ms % 21_600_000;
  return inPeriod > 18_000_000 ? 21_600_000 - inPeriod + 5 : 2 + random.next() * 20;
};

describe(`three days (SEED=${String(SEED)})`, () => {
  const drifts: [string, Case['drift']][] = [
    ['no drift', steady(0)],
    ['+200 ppm', steady(200)],
    ['-200 ppm', steady(-200)],
    ['swings of temperature', swinging],
  ];

  it.each(drifts)('%s, a delay of 2 to 30 ms: within 50 ms, late by the delay', (_, drift) => {
    const { earliest, latest, backwards } = simulate({ drift, delay: jitter(2, 30) });
    expect(earliest).toBeGreaterThan(-15);
    expect(latest).toBeLessThan(50);
    expect(backwards).toBe(0);
  });

  it.each(drifts)(
    '%s, one of ten packets prompt, else up to 5 s late: 20 ms typically',
    (_, drift) => {
      const { earliest, latest, typical, backwards } = simulate({ drift, delay: busy });
      expect(earliest).toBeGreaterThan(-15);
      // 0.5 ms for each second since the last prompt packet.
      expect(latest).toBeLessThan(600);
      expect(typical).toBeLessThan(25);
      expect(backwards).toBe(0);
    },
  );

  it.each(drifts)('%s, hours of samples sent at once after outages: as before them', (_, drift) => {
    const { earliest, latest, backwards } = simulate({ drift, delay: outages });
    // 0.3 ms a second while nothing prompt comes.
    expect(earliest).toBeGreaterThan(-1_000);
    expect(latest).toBeLessThan(1_900);
    expect(backwards).toBe(0);
  });

  it('a gateway whose clock is stepped by years makes no difference', () => {
    const still = simulate({ drift: swinging, delay: busy, days: 1 });
    const stepped = simulate({ drift: swinging, delay: busy, days: 1, steps: true });
    expect(stepped.backwards).toBe(0);
    expect(stepped.latest).toBeLessThan(600);
    expect(stepped.earliest).toBeGreaterThan(-15);
    expect(still.backwards).toBe(0);
  });

  it('the same for many seeds', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { earliest, latest, backwards } = simulate(
        { drift: swinging, delay: busy, days: 0.3 },
        seed,
      );
      const where = `seed ${String(seed)}`;
      expect(earliest, where).toBeGreaterThan(-15);
      expect(latest, where).toBeLessThan(700);
      expect(backwards, where).toBe(0);
    }
  });
});

describe('the estimate', () => {
  const arrival = (ms: number) => ({ ns: BigInt(Math.round(ms * MS)), ms });
  const device = (ms: number): bigint => BigInt(Math.round(ms * MS));
  /** Mapped minus the device's own time, ms. */
  const offset = (clock: DeviceClock, deviceMs: number, arrivalMs: number): number => {
    clock.learn(device(deviceMs), arrival(arrivalMs));
    return Number(clock.map(device(deviceMs), arrival(arrivalMs)).ns) / MS - deviceMs;
  };

  it('that was too large falls by half of what the device’s clock advances, not at once', () => {
    const clock = new DeviceClock();
    expect(offset(clock, 1_000, 6_000)).toBe(5_000);
    // Prompt: its own arrival is the best that is known.
    expect(offset(clock, 2_000, 3_000)).toBe(1_000);
    // Late again. Half of each second less than 5,000, so that none is before the last.
    expect(offset(clock, 3_000, 9_000)).toBe(4_000);
    expect(offset(clock, 3_500, 9_500)).toBe(3_750);
    expect(offset(clock, 9_500, 15_500)).toBe(1_000);
  });

  it('of a queue from before the opening falls at once when the queue is over', () => {
    const clock = new DeviceClock();
    expect(offset(clock, 1_000, 3_601_000)).toBe(3_600_000);
    expect(offset(clock, 3_602_000, 3_602_010)).toBe(10);
    expect(offset(clock, 3_603_000, 3_604_000)).toBe(10);
  });

  it('of a device whose clock stands still while it sleeps is given up within 15 minutes', () => {
    const clock = new DeviceClock();
    for (let ms = 0; ms < 60_000; ms += 1_000) offset(clock, ms + 1, ms + 5);
    // Asleep for ten hours.
    const slept = 36_000_000;
    let late = 0;
    for (let ms = 60_000; ms < 1_200_000; ms += 1_000) {
      const asMapped = offset(clock, ms, slept + ms + 5);
      if (asMapped < slept) late = ms;
    }
    expect(late).toBeGreaterThan(0);
    expect(late).toBeLessThan(960_000);
  });

  it('is not given up for a queue that is being sent, however long that takes', () => {
    const clock = new DeviceClock();
    let deviceMs = 1;
    for (let ms = 0; ms < 60_000; ms += 1_000) offset(clock, (deviceMs += 1_000), ms + 1_000);
    // Two hours without the line; then what was kept goes out, twice as fast as it was made.
    let ms = 7_200_000;
    while (deviceMs < ms) {
      for (let i = 0; i < 2; i += 1) {
        expect(Math.abs(offset(clock, (deviceMs += 1_000), ms))).toBeLessThan(4_400);
      }
      ms += 1_000;
    }
  });
});

describe('times of a point', () => {
  it('increase over re-estimations, steps of the clock, restarts and openings', () => {
    const random = new SeededRandom(SEED);
    const harness = SessionHarness.opened();
    let bootMs = -5_000;
    for (let i = 0; i < 3_000; i += 1) {
      harness.advance(random.next() * 20_000);
      const chance = random.next();
      if (chance < 0.01) harness.clock.stepWall((random.next() - 0.5) * 10 * 365 * DAY_MS);
      else if (chance < 0.02) bootMs = harness.clock.monotonicMs() - 1;
      else if (chance < 0.03) {
        harness.close();
        harness.open();
      }
      const nowMs = harness.clock.monotonicMs() - bootMs;
      const queuedMs = random.chance(0.3) ? random.next() * Math.min(nowMs, 30_000) : 0;
      const made = Math.max(1, Math.round((nowMs - queuedMs) * MS));
      harness.points([{ type: 'temp', value: i, time: BigInt(made) }]);
    }
    const times = harness.published.filter(({ type }) => type === 'temp').map(({ time }) => time);
    expect(times.length).toBe(3_000);
    times.forEach((time, i) => {
      if (i > 0) expect(time > times[i - 1]!, `SEED=${String(SEED)}, ${String(i)}`).toBe(true);
    });
  });
});
