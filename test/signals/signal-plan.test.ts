import { describe, expect, it } from 'vitest';
import { planSignals, tokenOf, type SignalPlan } from '../../src/signals/signal-plan.js';
import { features, parse } from './support.js';

describe('the keys of signals', () => {
  it.each([
    ['{message}_{signal}', 'Motor', 'Speed', 'Motor_Speed'],
    ['{signal}', 'Motor', 'Speed', 'Speed'],
    ['can0-{signal}-{signal}', 'M', 'a.b c>*', 'can0-a_b_c__-a_b_c__'],
    ['{signal}', 'M', 'Drehzahl°', 'Drehzahl°'],
  ])('%s of %s and %s', (template, message, signal, expected) => {
    expect(tokenOf(template, message, signal)).toBe(expected);
  });

  it('are never too long for a subject', () => {
    const token = tokenOf('{signal}', 'M', 'ü'.repeat(300));
    expect(Buffer.byteLength(token)).toBe(254);
  });

  it('must differ', () => {
    const signal = ' SG_ S : 0|8@1+ (1,0) [0|0] "" X\n';
    const database = parse(`BO_ 1 M: 8 X\n${signal}BO_ 2 N: 8 X\n${signal}`);
    expect(planSignals(database, { key: '{signal}', transmit: [] })).toEqual([
      { option: 'key', message: 'gives M.S and N.S one key, S' },
    ]);
  });
});

describe('the messages that are sent', () => {
  it('are those of the database', () => {
    const plan = planSignals(features('dbc'), {
      key: '{message}_{signal}',
      transmit: ['Motor'],
    }) as SignalPlan;
    expect([...plan.sent.keys()]).toContain('Motor_Speed');
    expect([...plan.sent.keys()]).not.toContain('Simple_Page');
  });

  it('are refused when the database does not have them', () => {
    const transmit = ['Motor', 'Moter'];
    expect(planSignals(features('dbc'), { key: '{message}_{signal}', transmit })).toEqual([
      { option: 'transmit', index: 1, message: 'the database has no message Moter' },
    ]);
  });
});
