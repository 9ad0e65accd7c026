import { describe, expect, it } from 'vitest';
import { KeyGroups } from '../../../src/siot/publishing/key-groups.js';

/** `count` points of one name, at positions 0, 1, 2 …; returns which may be sent at once. */
function enter(groups: KeyGroups, count: number): number[] {
  const sent: number[] = [];
  for (let position = 0; position < count; position++) {
    if (groups.enter('temp0', position) !== undefined) sent.push(position);
    const group = groups.get('temp0');
    if (group !== undefined) sent.push(...groups.release(group));
  }
  return sent;
}

describe('the points of one type+key', () => {
  it('go one after the other, however many wait', () => {
    const groups = new KeyGroups(() => 0);
    expect(enter(groups, 100)).toEqual([0]);
    const group = groups.get('temp0')!;
    expect(groups.leave(group, 0)).toEqual([1]);
    expect(groups.leave(group, 1)).toEqual([2]);
  });

  it('go together when so many wait that it would take long, once one was answered, in order', () => {
    const groups = new KeyGroups(() => 0.15);
    expect(enter(groups, 33)).toEqual([0]);
    expect(groups.leave(groups.get('temp0')!, 0)).toEqual([1]);
    const crowded = new KeyGroups(() => 0.15);
    expect(enter(crowded, 40)).toEqual([0]);
    const group = crowded.get('temp0')!;
    expect(crowded.leave(group, 0)).toEqual([1, 2]);
    expect(crowded.leave(group, 1)).toEqual([3]);
  });

  it('go together to a distant store, but no more than 32', () => {
    const groups = new KeyGroups(() => 50);
    expect(enter(groups, 40)).toEqual([0]);
    const group = groups.get('temp0')!;
    expect(groups.leave(group, 0)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
    expect(groups.leave(group, 1)).toEqual([33]);
  });

  it('do not overtake the first while it has no answer', () => {
    const groups = new KeyGroups(() => 0.15);
    expect(enter(groups, 200)).toEqual([0]);
  });

  it('wait behind one that was refused, however many wait', () => {
    const groups = new KeyGroups(() => 0.15);
    enter(groups, 40);
    const group = groups.get('temp0')!;
    groups.leave(group, 0);
    group.refused = 3;
    expect(groups.leave(group, 1)).toEqual([]);
  });

  it('do not wait for those of another name', () => {
    const groups = new KeyGroups(() => 0);
    enter(groups, 3);
    expect(groups.enter('flow0', 3)).toBeDefined();
  });

  it('are forgotten far behind a refused one, and are taken again in order when it is settled', () => {
    const groups = new KeyGroups(() => 0);
    expect(enter(groups, 1_000)).toEqual([0]);
    expect([groups.waiting, groups.cut()]).toEqual([999, false]);
    const group = groups.get('temp0')!;
    group.refused = 0;
    expect([groups.cut(), groups.waiting]).toEqual([true, 256]);
    // Newer ones do not take the place of those that were forgotten.
    expect(groups.enter('temp0', 1_000)).toBeUndefined();
    expect([groups.takeBack(), groups.waiting]).toEqual([undefined, 256]);
    expect(groups.leave(group, 0)).toEqual([1]);
    expect(groups.takeBack()).toBe(257);
    const sent = [1];
    for (let position = 257; position <= 1_000; position++) groups.enter('temp0', position);
    for (let last = 1; groups.get('temp0') !== undefined; last = sent.at(-1)!) {
      sent.push(...groups.leave(group, last));
    }
    expect(sent).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
  });
});
