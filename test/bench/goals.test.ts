import { describe, expect, it } from 'vitest';
import { judge, type Judgement } from '../../bench/goals.js';
import type { LoadFigures, TargetFigures } from '../../bench/loads.js';
import type { BenchFigures } from '../../bench/measure.js';
import { besideProgram } from '../../bench/peer.js';
import { FAIR, LOAD_CASES, USB, latencyName } from '../../bench/plan.js';
import { report } from '../../bench/report.js';
import { Steadiness } from '../../bench/steadiness.js';

const NOTHING: BenchFigures = {
  node: 'v20',
  seconds: 1,
  rounds: 5,
  codecs: [],
  loads: [],
  latencies: [],
  fair: {},
  start: {},
  rssMb: {},
  outbox: {},
};

const TARGET: TargetFigures = {
  pointsPerSecond: 1_000,
  arrivedPerSecond: 1_000,
  cpuUsPerPacket: 100,
  cpuUsPerPoint: 10,
  cpuShare: 0.5,
  roundTripP50Ms: 1,
  roundTripP99Ms: 2,
  lostPackets: 0,
  lostPoints: 0,
  rssMb: 70,
  diskBytesPerPoint: 0,
  diskBytesPerSecond: 0,
  samplesWithOutbox: { answeredInTime: 0, answeredLate: 0 },
  answerP95Ms: 1,
};

function load(name: string, more: Partial<LoadFigures> = {}): LoadFigures {
  const plan = [...LOAD_CASES, FAIR, USB].find((each) => each.name === name);
  if (plan === undefined) throw new Error(`no case ${name}`);
  return {
    ...plan,
    gateway: TARGET,
    [plan.beside]: TARGET,
    cpuRatio: 1,
    pointsRatio: 1,
    p99Ratio: 1,
    p50MoreMs: 0,
    countsDisk: true,
    ...more,
  };
}

/** The verdicts about one name, without those about all loads. */
const verdicts = (figures: Partial<BenchFigures>, name: string): Judgement['verdict'][] =>
  judge({ ...NOTHING, ...figures }).flatMap((each) => (each.name === name ? [each.verdict] : []));

describe('the goals of the bench', () => {
  it('judges nothing that was not measured', () => {
    expect(judge(NOTHING)).toEqual([]);
    expect(report(NOTHING)).toBe('\n');
  });

  it.each([
    ['at the limits', { cpuRatio: 1.3, p50MoreMs: 0.05, p99Ratio: 1.99 }, 'met'],
    ['with too much CPU', { cpuRatio: 1.31 }, 'MISSED'],
    ['with a p50 that is too long', { p50MoreMs: 0.051 }, 'MISSED'],
    ['with a p99 that is too long', { p99Ratio: 2 }, 'MISSED'],
  ])('holds an outbox on disk against one in memory, %s', (_, seen, verdict) => {
    const name = 'durable/store-10x1';
    expect(verdicts({ loads: [load(name, seen)] }, name)).toEqual([verdict]);
  });

  it.each([
    ['in no sample', 0, 0, 'met'],
    ['in few samples', 2, 0, 'met'],
    ['in most samples', 3, 0, 'MISSED'],
    ['in most samples, since answers were late', 0, 3, 'not judged'],
    ['in most samples, some with late answers', 2, 1, 'not judged'],
  ] as const)(
    'judges bytes of the outbox that were written %s',
    (_, answeredInTime, late, verdict) => {
      const samplesWithOutbox = { answeredInTime, answeredLate: late };
      const gateway = { ...TARGET, samplesWithOutbox };
      expect(verdicts({ loads: [load('disk/full', { gateway })] }, 'disk/full')).toEqual([verdict]);
    },
  );

  it('counts what else is written to disk, where that is counted', () => {
    const gateway = { ...TARGET, diskBytesPerSecond: 1_000_000 };
    const loads = (countsDisk: boolean) => [load('disk/paced', { gateway, countsDisk })];
    expect(verdicts({ loads: loads(true) }, 'disk/paced')).toEqual(['MISSED']);
    expect(verdicts({ loads: loads(false) }, 'disk/paced')).toEqual(['not judged']);
  });

  it('judges equal links by their slowest packets, and by whether one is called limited', () => {
    const of = (roundTripP99Ms: number, limitedLinks: number): Judgement['verdict'][] => {
      const gateway = { ...TARGET, roundTripP99Ms };
      return verdicts({ fair: { load: load(FAIR.name, { gateway }), limitedLinks } }, FAIR.name);
    };
    expect(of(3, 0)).toEqual(['met', 'met']);
    expect(of(3.01, 1)).toEqual(['MISSED', 'MISSED']);
  });

  it('judges a quiet link by its idle value', () => {
    const of = (ratio: number): Judgement['verdict'][] => {
      const figures = { idleP50Ms: 1, busyP50Ms: ratio, busyP99Ms: 9, ratio };
      return verdicts({ fair: { quiet: { gateway: figures, relay: figures } } }, 'fair/quiet');
    };
    expect([of(2), of(2.1)]).toEqual([['met'], ['MISSED']]);
  });

  it('judges settings by their number, or by what the relay brings down', () => {
    const of = (perSecond: number, ratio: number): Judgement['verdict'][] => {
      const gateway = { perSecond, p50Ms: 1, p99Ms: 2 };
      return verdicts({ settings: { gateway, relay: gateway, ratio, rssMb: 1 } }, 'settings/known');
    };
    expect([of(8_000, 0.1), of(900, 0.5), of(7_999, 0.49)]).toEqual([['met'], ['met'], ['MISSED']]);
  });

  it('judges memory by the number of links', () => {
    expect(verdicts({ rssMb: { 1: 79.9, 16: 95 } }, 'memory')).toEqual(['met', 'MISSED']);
  });

  it('judges how programs start', () => {
    const help = { ms: 150, rssMb: 55, nodeMs: 40, nodeRssMb: 40 };
    expect(verdicts({ start: { help } }, 'start/help')).toEqual(['met']);
    expect(verdicts({ start: { help: { ...help, rssMb: 56 } } }, 'start/help')).toEqual(['MISSED']);
    const firstAck = { gatewayMs: 251, relayMs: 100, nodeMs: 40 };
    expect(verdicts({ start: { firstAck } }, 'start/first-ack')).toEqual(['MISSED']);
  });

  it('gives a start more time where bare Node takes more, and never less', () => {
    const of = (gatewayMs: number, nodeMs: number): Judgement['verdict'][] =>
      verdicts({ start: { firstAck: { gatewayMs, relayMs: 100, nodeMs } } }, 'start/first-ack');
    expect([of(500, 80), of(501, 80), of(250, 20)]).toEqual([['met'], ['MISSED'], ['met']]);
    const help = { ms: 300, rssMb: 55, nodeMs: 80, nodeRssMb: 40 };
    expect(verdicts({ start: { help } }, 'start/help')).toEqual(['met']);
    expect(verdicts({ start: { help: { ...help, ms: 301 } } }, 'start/help')).toEqual(['MISSED']);
  });

  it('judges latency only where the relay has it', () => {
    const latency = (p50: number) => ({ upP50Ms: p50, upP99Ms: 1, downP50Ms: 0.1, downP99Ms: 1 });
    const of = (gateway: number, relay: number): Judgement['verdict'][] => {
      const latencies = [{ links: 1, gateway: latency(gateway), relay: latency(relay) }];
      return verdicts({ latencies }, latencyName(1));
    };
    expect([of(0.29, 0.2), of(0.3, 0.2), of(0.5, 0.3)]).toEqual([
      ['met'],
      ['MISSED'],
      ['not judged'],
    ]);
  });

  it('judges what USB devices bring only where the relay manages it', () => {
    const all = USB.links * USB.points * USB.packetsPerSecond;
    const of = (gateway: number, relay: number, pinned = true): Judgement | undefined => {
      const figures = load(USB.name, {
        gateway: { ...TARGET, arrivedPerSecond: gateway * all },
        relay: { ...TARGET, arrivedPerSecond: relay * all },
      });
      return judge({ ...NOTHING, usb: { load: figures, pinned } })[0];
    };
    expect(of(1, 1)?.verdict).toBe('met');
    expect(of(0.9, 1)?.verdict).toBe('MISSED');
    expect(of(0.5, 0.6)).toMatchObject({
      verdict: 'not judged',
      seen: expect.stringContaining('the relay manages 60 %') as string,
    });
    expect(of(1, 1, false)?.verdict).toBe('not judged');
  });

  it('prints each case with its goal and the verdict', () => {
    const waiting = { cpuUs: 80, atOnceCpuUs: 55, cpuMoreUs: 24, p50MoreMs: 0.06 };
    const text = report({ ...NOTHING, loads: [load('durable/1x1')], waiting });
    expect(text).toMatch(/^bare sockets .*: 80 µs of CPU instead of 55, p50 \+0\.060 ms$/m);
    expect(text).toMatch(/^durable\/1x1: .*; bare sockets \+0\.060 ms, \+24 µs of CPU$/m);
    expect(text).toMatch(/^durable\/1x1: CPU ≤ 1\.3 × memory's.* met {2}.*\+0\.000 ms/m);
  });
});

describe('the speed of the machine', () => {
  it('is looked at again and again, and told', () => {
    const steadiness = new Steadiness();
    expect(steadiness.figures()).toBeUndefined();
    for (let look = 0; look < 3; look += 1) steadiness.look();
    const figures = steadiness.figures();
    expect(figures?.looks).toBe(3);
    expect(figures?.slowest).toBeGreaterThan(0);
    expect(figures?.slowest).toBeLessThanOrEqual(1);
  });

  it.each([
    [0.85, /^the machine kept its speed \(85 % at the slowest of 9 looks\)$/m],
    [0.84, /^the machine was not quiet: at the slowest of 9 looks it had 84 % of its best speed/m],
  ])('is told at %f', (slowest, line) => {
    expect(report({ ...NOTHING, steadiness: { looks: 9, slowest } })).toMatch(line);
  });
});

describe('another program beside the gateway', () => {
  it('is shown case by case; what it cannot do is left open', () => {
    const figures: BenchFigures = {
      ...NOTHING,
      loads: [
        load('links-1/1x1', { against: { ...TARGET, cpuUsPerPacket: 50 } }),
        load('links-1/10x1', { against: null }),
        load('links-1/25x1'),
      ],
      start: { firstAck: { gatewayMs: 200, relayMs: 100, nodeMs: 40, againstMs: 50 } },
    };
    const rows = besideProgram(figures).filter(({ what }) => what !== 'lost');
    const cpu = rows.filter(({ what }) => what.startsWith('CPU'));
    expect(cpu).toEqual([
      { name: 'links-1/1x1', what: 'CPU, µs/packet', gateway: 100, against: 50 },
      { name: 'links-1/10x1', what: 'CPU, µs/packet', gateway: 100, against: null },
    ]);
    expect(rows.at(-1)).toEqual({
      name: 'start/first-ack',
      what: 'ms',
      gateway: 200,
      against: 50,
    });
    expect(report(figures)).toMatch(/^links-1\/10x1: CPU, µs\/packet +100 +– +–$/m);
    expect(besideProgram({ ...figures, loads: [], start: {} })).toEqual([]);
  });
});

describe('the goals of high-rate samples', () => {
  const stream = { samplesPerSecond: 250_000, arrived: 1, cpuShare: 0.1, cpuMsPerMillion: 400 };
  const figures = (
    more: Partial<typeof stream>,
    cpuRatio: number,
    besideP99Ms: number,
  ): Partial<BenchFigures> => {
    const both = { gateway: { ...stream, ...more }, relay: stream };
    return { highRate: { paced: both, most: both, cpuRatio, aloneP99Ms: 1, besideP99Ms } };
  };

  it('are CPU of a core, CPU beside the bare reader, and the latency of points', () => {
    expect(verdicts(figures({}, 1.4, 2), 'high-rate')).toEqual(['met', 'met', 'met']);
    expect(verdicts(figures({ cpuShare: 0.2 }, 1.6, 2.1), 'high-rate')).toEqual([
      'MISSED',
      'MISSED',
      'MISSED',
    ]);
    expect(verdicts(figures({ arrived: 0.9 }, 1, 1), 'high-rate')[0]).toBe('MISSED');
  });

  it('have a table', () => {
    expect(report({ ...NOTHING, ...figures({}, 1, 1) })).toContain('bare reader');
  });
});
