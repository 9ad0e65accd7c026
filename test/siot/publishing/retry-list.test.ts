import { describe, expect, it } from 'vitest';
import { MemoryOutbox } from '../../../src/outbox/memory-outbox.js';
import {
  laneEntry,
  positionOf,
  type Entry,
  type Track,
} from '../../../src/siot/publishing/entry.js';
import { Queue } from '../../../src/siot/publishing/queue.js';
import { KeyGroups, type KeyGroup } from '../../../src/siot/publishing/key-groups.js';
import { RetryList } from '../../../src/siot/publishing/retry-list.js';
import { FakeClock } from '../../support/fake-clock.js';
import { point } from '../harness.js';

function lists(): {
  clock: FakeClock;
  list: RetryList;
  due: number[];
  entry(name: string, position: number): Entry;
} {
  const clock = new FakeClock();
  const due: number[] = [];
  const list = new RetryList(clock, (entries) => due.push(...entries.map(positionOf)));
  const lane = new MemoryOutbox({ maxBytes: 1e6 }).lane('dev-1');
  const groups = new KeyGroups(() => 0);
  const state = {
    lane,
    held: false,
    discarded: false,
    cursor: 0,
    withholds: () => false,
    retryStates: new Map(),
  };
  const track: Track = { state, groups, ready: new Queue(), inRound: false };
  const known = new Map<string, KeyGroup>();
  const entry = (name: string, position: number): Entry => {
    const group = known.get(name) ?? groups.enter(name, position);
    if (group === undefined) throw new Error('no group');
    known.set(name, group);
    return laneEntry(track, group, position, point(name, position));
  };
  return { clock, list, due, entry };
}

describe('what the store refused', () => {
  it('is due again by itself, each point at its time', () => {
    const { clock, list, due, entry } = lists();
    list.add(entry('a', 1), 200);
    list.add(entry('b', 0), 100);
    clock.advance(150);
    expect(due).toEqual([0]);
    clock.advance(50);
    expect(due).toEqual([0, 1]);
  });

  it('is taken one by one while the list is paused: of each name the oldest', () => {
    const { clock, list, due, entry } = lists();
    list.add(entry('a', 5), 100);
    list.add(entry('b', 4), 100);
    list.add(entry('a', 3), 100);
    list.pause();
    clock.advance(1_000);
    expect(due).toEqual([]);
    const taken = [list.takeNext(), list.takeNext(), list.takeNext(), list.takeNext()];
    expect(taken.map((one) => one && positionOf(one))).toEqual([3, 4, 5, undefined]);
  });

  it('is taken all at once in order, and is due again by itself from then on', () => {
    const { clock, list, due, entry } = lists();
    list.pause();
    for (const position of [7, 2, 4]) list.add(entry(`k${String(position)}`, position), 100);
    expect(list.takeAll().map(positionOf)).toEqual([2, 4, 7]);
    list.add(entry('a', 8), clock.monotonicMs() + 100);
    clock.advance(100);
    expect(due).toEqual([8]);
  });
});
