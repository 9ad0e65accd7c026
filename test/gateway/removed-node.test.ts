import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RemovedLinks } from '../../src/gateway/removed-links.js';
import { RemovedNode, SERVED_WITHIN_MS } from '../../src/gateway/removed-node.js';
import { StateDir } from '../../src/gateway/state/state-dir.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint, type Point } from '../../src/point/point.js';
import { FAKE_START_NS, FakeClock } from '../support/fake-clock.js';
import { recordingLog, type Said } from '../support/recording-log.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const at = (type: string, number: number, time: bigint, origin = ''): Point =>
  makePoint({ type, key: '0', value: floatValue(number), time, origin });

const EXACT = { ns: 100n, isExact: true };
const OLD_FILE = { ns: 100n, isExact: false };
const NOTHING = { ns: 0n, isExact: false };

describe('who serves a node whose link has left', () => {
  it.each([
    ['nobody: it was never connected', EXACT, [], 'nobody'],
    ['nobody: this gateway has ended it', EXACT, [at('connected', 0, 100n)], 'nobody'],
    ['another is connected', EXACT, [at('connected', 1, 101n)], 'another'],
    ['another waits for the device', EXACT, [at('connected', 0, 101n)], 'another'],
    ['another, after an earlier version', OLD_FILE, [at('connected', 1, 101n)], 'another'],
    ['nobody, after an earlier version', OLD_FILE, [at('connected', 0, 101n)], 'nobody'],
    ['another, where nothing is known', NOTHING, [at('connected', 1, 1n)], 'another'],
    ['a person is no gateway', EXACT, [at('connected', 1, 101n, 'user')], 'nobody'],
    [
      'nobody: it is marked, which a crash has lost',
      EXACT,
      [at('connected', 0, 200n), at('gatewayRemoved', 1, 200n)],
      'nobody',
    ],
    [
      'another has taken it over since it was marked',
      EXACT,
      [at('gatewayRemoved', 1, 200n), at('connected', 1, 201n)],
      'another',
    ],
  ] as const)('%s', (_name, own, stored, served) => {
    expect(new RemovedNode('n', own).servedBy(stored, 0)).toBe(served);
  });

  it('is seen by what is written there, where this gateway, or its copy, was connected last', () => {
    const shown = [at('connected', 1, 100n), at('temp', 20, 300n)];
    const crashed = new RemovedNode('n', EXACT);
    expect(crashed.servedBy(shown, 5)).toBe('unknown');
    expect(crashed.servedBy([...shown, at('note', 1, 400n, 'user')], 10)).toBe('unknown');
    expect(crashed.servedBy(shown, 5 + SERVED_WITHIN_MS)).toBe('nobody');
    const copied = new RemovedNode('n', EXACT);
    expect(copied.servedBy(shown, 5)).toBe('unknown');
    expect(copied.servedBy([...shown, at('temp', 21, 301n)], 10)).toBe('another');
  });
});

describe('a node that is shown as connected since a crash', () => {
  function rig() {
    const folder = tempDir();
    mkdirSync(join(folder, 'links'));
    writeFileSync(join(folder, 'links', 'pump.state'), '');
    const { mtimeNs } = statSync(join(folder, 'links', 'pump.state'), { bigint: true });
    const clock = new FakeClock(FAKE_START_NS);
    const said: Said[] = [];
    const store = {
      points: [at('connected', 1, mtimeNs - 10n), at('rx', 1, mtimeNs + 1n)],
      looks: 0,
      published: [] as string[],
      storedPoints: () => {
        store.looks += 1;
        return Promise.resolve(store.points);
      },
      publishLast: (_nodeId: string, points: readonly Point[]) => {
        store.published.push(...points.map(({ type }) => type));
        return Promise.resolve('published' as const);
      },
    };
    const removed = new RemovedLinks(
      { presentNodes: () => new Set() },
      { current: store },
      new StateDir(folder, SILENT_LOG),
      clock,
      recordingLog(said),
    );
    /** Until it was looked once more, and what follows of that. */
    const look = async (): Promise<void> => {
      const before = store.looks;
      clock.advance(clock.nextTimerMs ?? 0);
      await until(() => store.looks > before && clock.pendingTimers > 0, 'a look');
    };
    return { clock, store, removed, said, look };
  }

  it('is marked when nobody has written there for a minute', async () => {
    const { clock, store, removed, said, look } = rig();
    await removed.review();
    await until(() => clock.pendingTimers > 0, 'the first look');
    for (let n = 0; n < 5; n += 1) await look();
    expect([clock.monotonicMs(), store.published]).toEqual([31_000, []]);
    clock.advance(30_000);
    await until(() => said.length > 0, 'said');
    expect(store.published).toEqual(['connected', 'gatewayRemoved']);
    await removed.stop();
  });

  it('is left as it is when somebody writes there, which is said once', async () => {
    const { clock, store, removed, said, look } = rig();
    await removed.review();
    await until(() => clock.pendingTimers > 0, 'the first look');
    await look();
    store.points = store.points.map((point) => ({ ...point, time: point.time + 1n }));
    clock.advance(clock.nextTimerMs ?? 0);
    await until(() => said.length > 0, 'said');
    await removed.review();
    expect(said.map(({ message }) => message)).toEqual([
      expect.stringContaining('another gateway serves the node'),
    ]);
    expect([store.published, clock.pendingTimers]).toEqual([[], 0]);
    await removed.stop();
  });
});
