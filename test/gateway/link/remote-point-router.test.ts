import { describe, expect, it } from 'vitest';
import { RemotePointRouter } from '../../../src/gateway/link/remote-point-router.js';
import { parseLinkEntry, type RouterRecord } from '../../../src/gateway/state/link-record.js';
import { PointRecord } from '../../../src/session/node/replica.js';
import { SettingTime } from '../../../src/session/settings/time.js';
import {
  floatValue,
  makePoint,
  stringValue,
  textOf,
  type Point,
} from '../../../src/point/point.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';

const NODE = 'dev-1';
const S = 1_000_000_000n;
const YEAR = 365n * 24n * 3_600n * S;

/** Point types of the gateway or its administrator (docs/contract.md, "Whose points"). */
const RESERVED = (
  'port baud protocol timeout logConsole maxMessageLength hrDest syncParent debug ' +
  'progress connected pending rx tx hrRx rate rateHR errorCount errorCountHR gatewayCount gatewayX'
).split(' ');
const RESETS = 'rxReset txReset hrRxReset errorCountReset errorCountResetHR'.split(' ');

interface Rig {
  /** A reading is one at that time, ns. */
  readonly router: Pick<
    RemotePointRouter,
    'live' | 'ofOthers' | 'isKnown' | 'disabled' | 'switchTime' | 'record' | 'downloadEnded'
  > & {
    reading(points: readonly Point[], nowNs: bigint): void;
  };
  readonly clock: { now: bigint; mono: bigint };
  readonly said: Said[];
  readonly done: {
    set: Point[];
    passed: Point[];
    disabled: boolean[];
    shown: Point[];
    reset: Point[];
    /** Names of files, as they were asked for. */
    readonly downloads: string[];
    refused: number;
    described: string[];
  };
  /** As after a restart of the gateway. */
  again(): Rig;
}

function rig(record: RouterRecord = {}, known = 0n): Rig {
  const said: Said[] = [];
  const clock = { now: 0n, mono: 0n };
  const done: Rig['done'] = {
    set: [],
    passed: [],
    disabled: [],
    downloads: [],
    shown: [],
    reset: [],
    refused: 0,
    described: [],
  };
  const real = new RemotePointRouter(
    {
      nodeId: NODE,
      session: { set: (point) => (done.set.push(point), point) },
      settings: {
        get: () => undefined,
        isCommand: (type) => type === 'restart',
        check: (point) => (point.time > known ? SettingTime.of(point) : 'notNewer'),
        passOver: (point) => void done.passed.push(point),
      },
      replica: { find: (type) => (type === 'reported' ? new PointRecord(0n) : undefined) },
      counters: { notice: () => void (done.refused += 1) },
      host: {
        show: (point) => void done.shown.push(point),
        disable: (disabled) => void done.disabled.push(disabled),
        downloadAsked: () => void done.downloads.push(real.download.name),
        reset: (point) => void done.reset.push(point),
        described: ({ value }, heard) => void done.described.push(`${textOf(value)} ${heard}`),
      },
      clock: {
        wallNs: () => clock.now,
        monotonicMs: () => Number(clock.mono) / 1e6,
        setTimer: () => ({ cancel: () => undefined }),
      },
      log: recordingLog(said),
    },
    record,
  );
  const again = (): Rig => {
    const content: unknown = JSON.parse(JSON.stringify({ of: 'link', judge: real.record() }));
    const entry = parseLinkEntry(content);
    return rig(entry?.of === 'link' ? entry.judge : undefined);
  };
  const router: Rig['router'] = {
    live: (points) => real.live(points),
    downloadEnded: () => real.downloadEnded(),
    ofOthers: (points) => real.ofOthers(points),
    isKnown: (type, key) => real.isKnown(type, key),
    reading: (points, nowNs) => {
      clock.mono += nowNs - clock.now;
      clock.now = nowNs;
      real.reading(points);
    },
    get disabled() {
      return real.disabled;
    },
    switchTime: (type) => real.switchTime(type),
    record: () => real.record(),
  };
  return { router, clock, said, done, again };
}

const set = (type: string, number = 1, given: Partial<Point> = {}): Point =>
  makePoint({ type, value: floatValue(number), time: 100n, origin: 'user-1', ...given });

describe('a setting', () => {
  it('is a point whose origin is somebody else', () => {
    const { router, done } = rig();
    const points = [
      set('a'),
      set('b', 1, { origin: '' }),
      set('c', 1, { origin: NODE }),
      set('d', 1, { origin: 'dev-10' }),
    ];
    router.live(points);
    expect(done.set.map(({ type }) => type)).toEqual(['a', 'd']);
    router.reading(points, 500n);
    expect(done.set.map(({ type }) => type)).toEqual(['a', 'd', 'a', 'd']);
  });

  it('is routed point by point: an invalid one affects no other', () => {
    const { router, done } = rig();
    router.live([set('a'), set('x', Number.NaN), set('baud', 9600), set('b')]);
    expect(done.set.map(({ type }) => type)).toEqual(['a', 'b']);
    expect(done.refused).toBe(2);
  });

  it('may be infinite, text, or a deletion', () => {
    const { router, done } = rig();
    router.live([
      set('a', Number.POSITIVE_INFINITY),
      set('b', 0, { value: stringValue('text') }),
      set('c', 0, { tombstone: 1 }),
    ]);
    expect(done.set).toHaveLength(3);
  });

  it.each(RESERVED)('is never %s: counted, and said once', (type) => {
    const { router, done, said } = rig();
    router.live([set(type)]);
    router.live([set(type, 2, { time: 101n })]);
    router.live([set(type, 2, { key: 'x' })]);
    expect(done.set).toEqual([]);
    expect(done.refused).toBe(3);
    expect(complaints(said)).toHaveLength(1);
    expect(said[0]?.fields).toEqual({ type });
  });

  it('is not counted as refused each time that the node is read', () => {
    const { router, done } = rig();
    for (let reading = 1n; reading <= 5n; reading++) {
      router.reading([set('baud', 9600), set('port', 0, { value: stringValue('x') })], reading);
    }
    expect(done.refused).toBe(2);
    router.reading([set('baud', 19200, { time: 101n })], 6n);
    expect(done.refused).toBe(3);
  });

  it('is not description, which people may change without the device', () => {
    const { router, done, said } = rig();
    const point = set('description', 0, { value: stringValue('Pump') });
    router.live([point]);
    router.live([{ ...point, origin: '' }]);
    router.reading([point], 500n);
    expect([done.set, done.refused, said]).toEqual([[], 0, []]);
    expect(done.described).toEqual(['Pump live', 'Pump reading']);
  });

  it('does not fill the memory or the log when somebody invents types', () => {
    const { router, done, said } = rig();
    for (let n = 0; n < 3_000; n++) router.live([set(`gateway${String(n)}`)]);
    expect(done.refused).toBe(3_000);
    expect(complaints(said)).toHaveLength(1_000);
  });
});

describe('commands found when the node is read', () => {
  it('are not taken at the first reading', () => {
    const { router, done } = rig();
    router.reading([set('restart'), set('limit')], 50n);
    expect(done.set.map(({ type }) => type)).toEqual(['limit']);
  });

  it('are taken when they are newer than the last reading', () => {
    const { router, done } = rig();
    router.reading([], 100n);
    router.reading([set('restart', 1, { time: 99n }), set('restart', 1, { key: 'b' })], 200n);
    expect(done.set).toEqual([]);
    router.reading([set('restart', 1, { time: 201n })], 300n);
    expect(done.set).toHaveLength(1);
  });

  it('are reported when they are a little older and were never heard: their clock may be slow', () => {
    const { router, done, said } = rig({ lastReading: '1000' }, 500n);
    router.reading([set('restart', 1, { time: 900n }), set('restart', 1, { key: 'b' })], 2_000n);
    router.reading([set('restart', 1, { time: 900n }), set('restart', 1, { key: 'b' })], 3_000n);
    expect(done).toMatchObject({ set: [], refused: 1 });
    expect(complaints(said)).toEqual([expect.stringMatching(/older than the last reading.*slow/)]);
    const hours = 3 * 3_600_000_000_000;
    const later = rig({ lastReading: String(hours) });
    later.router.reading([set('restart', 1, { time: 900n })], BigInt(hours));
    expect(later.done.refused).toBe(0);
  });

  it('do not become newer when the clock is set right', () => {
    const { router, clock, done } = rig();
    router.reading([set('restart', 1, { time: 50n * S })], 10n * S);
    clock.now += 100n * S;
    router.reading([set('restart', 1, { time: 50n * S })], 115n * S);
    expect(done.set).toEqual([]);
    router.reading([set('restart', 1, { time: 116n * S })], 120n * S);
    expect(done.set).toHaveLength(1);
  });

  it('do not become older when an earlier run has dated the last reading correctly', () => {
    const { router, clock, done } = rig({ lastReading: String(YEAR) });
    clock.now = 5n * S;
    clock.now += YEAR + 10n * S;
    router.reading([set('restart', 1, { time: YEAR + 8n * S })], YEAR + 20n * S);
    expect(done.set).toHaveLength(1);
  });

  it('are remembered when they are not taken, whatever the clock says later', () => {
    const { router, done } = rig();
    const old = set('restart', 1, { time: YEAR });
    router.reading([old], YEAR + S);
    expect(done).toMatchObject({ set: [], passed: [old] });
  });

  it('are compared also with the last reading before a restart of the gateway', () => {
    const first = rig();
    first.router.reading([], 100n);
    const second = first.again();
    second.router.reading([set('restart', 1, { time: 100n })], 200n);
    expect(second.done.set).toEqual([]);
    const third = first.again();
    third.router.reading([set('restart', 1, { time: 101n })], 200n);
    expect(third.done.set).toHaveLength(1);
  });

  it('are always taken when they are heard live', () => {
    const { router, done } = rig();
    router.live([set('restart', 1, { time: 1n })]);
    router.reading([], 100n);
    router.live([set('restart', 1, { time: 2n })]);
    expect(done.set).toHaveLength(2);
  });
});

describe('download', () => {
  const file = (name: string, time: bigint): Point =>
    set('download', 0, { value: stringValue(name), time });

  it('names a file, again each time that it is written, and ends it when it is emptied', () => {
    const { router, done } = rig();
    router.live([file('fw.bin', 100n), file('fw.bin', 101n), file('', 102n), file('b', 99n)]);
    expect(done.downloads).toEqual(['fw.bin', 'fw.bin', '']);
    expect([done.set, done.refused]).toEqual([[], 0]);
    router.live([
      { ...file('c', 103n), origin: NODE },
      { ...file('d', 104n), key: 'x' },
    ]);
    expect(done.downloads).toHaveLength(3);
  });

  it('found when the node is read counts if it is newer than the last reading, and never at the first', () => {
    const { router, done } = rig();
    router.reading([file('old', 100n)], 200n);
    router.reading([file('old', 100n)], 300n);
    expect([done.downloads, router.downloadEnded()]).toEqual([[], undefined]);
    router.reading([file('new', 301n)], 400n);
    router.reading([file('new', 301n)], 500n);
    expect(done.downloads).toEqual(['new']);
  });

  it('is emptied once when its file has ended, with a later time, also after a restart', () => {
    const first = rig();
    first.router.live([file('fw.bin', 100n)]);
    const second = first.again();
    second.clock.now = 50n;
    const ended = second.router.downloadEnded();
    expect(ended).toMatchObject({ type: 'download', key: '0', origin: '' });
    expect([textOf(ended!.value), ended!.time > 100n]).toEqual(['', true]);
    expect(second.router.downloadEnded()).toBeUndefined();
    const third = second.again();
    third.router.reading([file('fw.bin', 100n)], 500n);
    expect([third.done.downloads, third.router.downloadEnded()]).toEqual([[], undefined]);
  });
});

describe('disabled', () => {
  it('stops and starts the link, live or read', () => {
    const { router, done } = rig();
    expect(router.disabled).toBe(false);
    router.live([set('disabled', 1)]);
    expect(router.disabled).toBe(true);
    router.reading([set('disabled', 0, { time: 101n })], 500n);
    expect(router.disabled).toBe(false);
    expect(done.disabled).toEqual([true, false]);
    expect(done.set).toEqual([]);
  });

  it('is passed on when it changes, and only a newer one is taken', () => {
    const { router, done } = rig();
    router.live([set('disabled', 1)]);
    router.live([set('disabled', 1, { time: 101n }), set('disabled', 0, { time: 100n })]);
    router.reading([set('disabled', 0, { time: 99n })], 500n);
    expect(done.disabled).toEqual([true]);
  });

  it('with an equal time is taken when it is heard live, and is shown with a later one', () => {
    const { router, clock, done } = rig();
    router.live([set('disabled', 1)]);
    router.reading([set('disabled', 0)], 500n);
    router.live([set('disabled', 1)]);
    expect(done).toMatchObject({ disabled: [true], shown: [] });
    router.live([set('disabled', 0), set('disabled', 0)]);
    expect(done.disabled).toEqual([true, false]);
    expect(done.shown).toEqual([set('disabled', 0, { origin: '', time: clock.now })]);
    router.live([set('disabled', 1)]);
    expect(done.disabled).toEqual([true, false, true]);
  });

  it('with a time far ahead is taken once, and blocks no later one, over a restart too', () => {
    const first = rig();
    first.router.reading([], 1_000n);
    const far = set('disabled', 1, { time: 2n ** 63n - 1n });
    first.router.live([far]);
    first.router.live([set('disabled', 0, { time: 1_001n })]);
    first.router.reading([far], 2_000n);
    const second = first.again();
    second.router.reading([far], 3_000n);
    expect(first.done.disabled).toEqual([true, false]);
    expect(second.router.disabled).toBe(false);
    expect(complaints(first.said)).toEqual([expect.stringMatching(/far ahead.*keeps the later/)]);
    second.router.live([set('disabled', 1, { time: 3_001n })]);
    expect(second.router.disabled).toBe(true);
  });

  it('ends with its deletion, and is exactly 1', () => {
    const { router, done } = rig();
    router.live([set('disabled', 2, { time: 1n })]);
    router.live([set('disabled', 1, { time: 2n, key: '0' })]);
    router.live([set('disabled', 1, { time: 3n, tombstone: 1 })]);
    expect(done.disabled).toEqual([true, false]);
  });

  it('has no key, and neither a device nor an owner can set it', () => {
    const { router, done } = rig();
    router.live([
      set('disabled', 1, { key: 'x' }),
      set('disabled', 1, { origin: '' }),
      set('disabled', 1, { origin: NODE }),
    ]);
    expect(done.disabled).toEqual([]);
  });

  it('is kept over restarts, with its time', () => {
    const first = rig();
    first.router.live([set('disabled', 1)]);
    const second = first.again();
    expect(second.router.disabled).toBe(true);
    expect(second.done.disabled).toEqual([]);
    second.router.reading([set('disabled', 0, { time: 99n })], 500n);
    expect(second.router.disabled).toBe(true);
    second.router.reading([set('disabled', 0, { time: 101n })], 500n);
    expect(second.router.disabled).toBe(false);
    expect(second.again().router.disabled).toBe(false);
  });
});

describe('resets', () => {
  it.each(RESETS)('%s is done once for each time it is written', (type) => {
    const { router, done, said } = rig();
    router.live([set(type)]);
    router.reading([set(type)], 500n);
    expect(done.reset).toHaveLength(1);
    router.live([set(type, 1, { time: 101n })]);
    expect(done.reset).toHaveLength(2);
    expect([done.set, done.refused, said]).toEqual([[], 0, []]);
  });
});

describe('a reset with a time far ahead', () => {
  it.each(RESETS)('%s is done once, over restarts too, and so is the next', (type) => {
    const first = rig();
    const far = set(type, 1, { time: 2n ** 63n - 1n });
    first.router.reading([far], 1_000n);
    first.router.reading([far], 2_000n);
    const second = first.again();
    second.router.reading([far], 3_000n);
    expect([first.done.reset, second.done.reset]).toEqual([[far], []]);
    second.router.live([set(type, 1, { time: 3_001n })]);
    expect(second.done.reset).toHaveLength(1);
  });
});

describe('another owner of the node', () => {
  it.each(['live', 'reading'] as const)(
    'is reported once for a point whose time cannot be overtaken in SIOT: %s',
    (heard) => {
      const { router, clock, said } = rig();
      const far = { origin: '', time: 2n ** 63n - 1n };
      const points = [set('temp', 1, far), set('temp', 2, far), set('flow', 1, { origin: NODE })];
      for (let i = 0; i < 3; i++) {
        if (heard === 'live') router.ofOthers(points);
        else router.reading(points, clock.now + 1_000n);
      }
      router.ofOthers([set('x'.repeat(256), 1, far)]);
      expect(complaints(said)).toEqual([expect.stringMatching(/far ahead.*device’s name/)]);
    },
  );

  it('is noticed by its `connected`, and reported once', () => {
    const { router, said } = rig();
    router.live([set('connected', 1, { origin: '' })]);
    router.live([set('connected', 0, { origin: '' })]);
    expect(complaints(said)).toHaveLength(1);
    expect(complaints(said)[0]).toContain('second gateway');
    expect(said[0]?.fields).toEqual({ node: NODE });
  });

  it('is not suspected in our own points, as the store has them', () => {
    const { router, said } = rig();
    router.reading([set('connected', 1, { origin: '' })], 500n);
    router.live([set('rx', 1, { origin: '' }), set('temp', 1, { origin: '' })]);
    expect(said).toEqual([]);
  });
});

describe('the latest time of a switch', () => {
  it('is known, so that the next one gets a later time', () => {
    const { router } = rig();
    const timeOf = (type: string): bigint | undefined => router.switchTime(type)?.ns;
    expect(timeOf('disabled')).toBeUndefined();
    router.live([set('disabled', 1, { time: 7n }), set('rxReset', 1, { time: 9n })]);
    expect(timeOf('disabled')).toBe(7n);
    expect(timeOf('rxReset')).toBe(9n);
    expect(timeOf('limit')).toBeUndefined();
  });
});

it('a point that the device has reported is known, and so is one that acts on the link', () => {
  const { router } = rig();
  const types = ['reported', 'disabled', 'rxReset', 'new'];
  expect(types.map((type) => router.isKnown(type, ''))).toEqual([true, true, true, false]);
});

describe('names that no device can report', () => {
  const LONG = 'x'.repeat(256);

  it.each([{ type: LONG }, { type: `.${LONG}` }, { key: LONG }, { origin: LONG }])(
    'are no settings, live or when read, and are reported once: %#',
    (given) => {
      const { router, done, said } = rig();
      for (let n = 0; n < 3; n++) router.live([set('limit', n, given)]);
      router.reading([set('limit', 1, given)], 1n);
      expect(router.ofOthers([set('limit', 1, given), set('limit', 1)])).toEqual([set('limit', 1)]);
      expect(done.set).toEqual([]);
      expect(done.refused).toBe(5);
      const [one, ...more] = complaints(said);
      expect(more).toEqual([]);
      expect(JSON.stringify(one).length).toBeLessThan(400);
    },
  );

  it('points of the owner do not wait with the settings of others', () => {
    const { router } = rig();
    expect(router.ofOthers([set('a', 1, { origin: '' }), set('b', 1, { origin: NODE })])).toEqual(
      [],
    );
  });
});
