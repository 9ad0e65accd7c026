/** What a setting is after a restart of the gateway, by what this version or the one before has kept. */
import { describe, expect, it } from 'vitest';
import {
  isKeptTheSame,
  keptOf,
  lifeOf,
  type KeptLife,
} from '../../../src/session/settings/kept.js';
import type { SettingLife } from '../../../src/session/settings/states.js';

const confirmed = { ns: 7n, by: undefined };
const inForce = { name: 'inForce', confirmed, reported: false, doubted: false } as const;
const sent = { name: 'sent', reported: false } as const;

describe('the record of the version before', () => {
  it.each<[KeptLife, SettingLife]>([
    [{ state: 'pending', transmissions: 0 }, { name: 'pending' }],
    [{ state: 'pending', transmissions: 3 }, sent],
    [{ state: 'inForce', transmissions: 2, confirmed: '7' }, inForce],
    [
      { state: 'inForce', transmissions: 2, confirmed: '7', doubted: true },
      { ...inForce, doubted: true },
    ],
    [
      { state: 'inForce', transmissions: 2, confirmed: '7', restoring: true },
      { name: 'pending', restores: inForce },
    ],
    [
      { state: 'unconfirmed', transmissions: 1 },
      { ...inForce, name: 'unconfirmed', confirmed: undefined },
    ],
    [
      { state: 'ended', transmissions: 1, confirmed: '7' },
      { name: 'ended', confirmed },
    ],
    [
      { state: 'replaced', transmissions: 1, confirmed: '7' },
      { name: 'replaced', confirmed },
    ],
    [
      { state: 'refused', transmissions: 0 },
      { name: 'refused', confirmed: undefined },
    ],
  ])('%j', (kept, life) => {
    expect(lifeOf(kept, false)).toEqual(life);
  });

  it('of a command, which is never sent again', () => {
    expect(lifeOf({ state: 'inForce', transmissions: 1, restoring: true }, true)).toEqual({
      ...inForce,
      confirmed: undefined,
    });
    // It may have acted: the first opening ends it.
    expect(lifeOf({ state: 'pending', transmissions: 1 }, true)).toEqual(sent);
  });
});

it('the version before can read the present record', () => {
  const kept = (life: SettingLife): KeptLife =>
    JSON.parse(JSON.stringify(keptOf(life))) as KeptLife;
  expect(kept({ name: 'pending' })).toEqual({ state: 'pending', transmissions: 0 });
  // Before it is sent: after a crash it may have been.
  for (const name of ['noting', 'noted'] as const)
    expect(kept({ name })).toEqual({ state: 'pending', transmissions: 1 });
  expect(kept({ name: 'unnoted' })).toEqual({ state: 'pending', transmissions: 0 });
  expect(kept({ ...sent, name: 'setAside', pauseMs: 1, untilMs: 1 })).toEqual({
    state: 'pending',
    transmissions: 1,
  });
  const before = { name: 'pending', restores: inForce } as const;
  for (const life of [before, { name: 'unsendable', why: 'too large', before } as const])
    expect(kept(life)).toEqual({
      state: 'inForce',
      transmissions: 1,
      restoring: true,
      confirmed: '7',
    });
  expect(kept({ ...inForce, doubted: true })).toEqual({
    state: 'inForce',
    transmissions: 1,
    doubted: true,
    confirmed: '7',
  });
});

it('what is kept alike is found without making the records', () => {
  const later = { ns: 8n, by: 'ack' } as const;
  const aside = { name: 'setAside', reported: false, pauseMs: 1, untilMs: 1 } as const;
  const lives: readonly SettingLife[] = [
    { name: 'pending' },
    { name: 'pending', restores: inForce },
    { name: 'pending', restores: { ...inForce, name: 'unconfirmed' } },
    { name: 'noting' },
    { name: 'noted' },
    { name: 'unnoted' },
    sent,
    { ...sent, reported: true },
    { ...sent, restores: inForce },
    aside,
    { ...aside, untilMs: 2 },
    { name: 'unsendable', why: 'too large', before: { name: 'pending' } },
    { name: 'unsendable', why: 'too large', before: sent },
    inForce,
    { ...inForce, reported: true },
    { ...inForce, doubted: true },
    { ...inForce, confirmed: later },
    { ...inForce, name: 'unconfirmed', confirmed: undefined },
    { name: 'replaced', confirmed },
    { name: 'ended', confirmed },
    { name: 'ended', confirmed: later },
    { name: 'refused' },
    { name: 'superseded', confirmed },
  ];
  for (const one of lives) {
    for (const other of lives) {
      const alike = JSON.stringify(keptOf(one)) === JSON.stringify(keptOf(other));
      expect(isKeptTheSame(one, other), `${one.name} and ${other.name}`).toBe(alike);
    }
  }
});
