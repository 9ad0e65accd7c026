import { describe, expect, it } from 'vitest';
import { memoryAndDiskOf, parseStat, treeOf, usageOfTree } from '../../bench/usage.js';

describe('what a process uses', () => {
  it('is read behind a name that has spaces and parentheses', () => {
    const stat = '42 (a) b (c) S 7 42 42 0 -1 4194304 2416 0 0 0 70 10 3 2 20 0 11 0 5573460';
    expect(parseStat(stat)).toEqual({ parent: 7, ticks: 85 });
  });

  it('counts all that a program has started', () => {
    const process = (parent: number) => ({ parent, ticks: 1 });
    const all = new Map([
      [10, process(1)],
      [11, process(10)],
      [12, process(11)],
      [20, process(1)],
    ]);
    expect(treeOf(10, all)).toEqual([10, 11, 12]);
  });

  it('is memory at its most, and CPU by ticks of 10 ms', () => {
    const { rssBytes, peakRssBytes } = memoryAndDiskOf('self');
    expect(rssBytes).toBeGreaterThan(10_000_000);
    expect(peakRssBytes).toBeGreaterThanOrEqual(rssBytes);
    const own = usageOfTree(process.pid, new Map([[process.pid, { parent: 1, ticks: 3 }]]));
    expect(own.cpuMs).toBe(30);
  });
});
