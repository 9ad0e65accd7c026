import { describe, expect, it } from 'vitest';
import { settingOf, TypedSettings } from '../../src/cli/typed-settings.js';
import type { SetReply, SetRequest } from '../../src/gateway/control/control.js';
import { until } from '../support/until.js';

describe('a line that is typed', () => {
  it.each([
    ['setpoint 4.2', { type: 'setpoint', key: '', value: { kind: 'word', text: '4.2' } }],
    ['  mode/a   eco  ', { type: 'mode', key: 'a', value: { kind: 'word', text: 'eco' } }],
    ['label Pump two', { type: 'label', key: '', value: { kind: 'word', text: 'Pump two' } }],
    ['label "4.2"', { type: 'label', key: '', value: { kind: 'string', text: '4.2' } }],
    ['label ""', { type: 'label', key: '', value: { kind: 'string', text: '' } }],
    [
      String.raw`label "a \"b\" \\"`,
      { type: 'label', key: '', value: { kind: 'string', text: String.raw`a "b" \ `.trim() } },
    ],
    ['label "', { type: 'label', key: '', value: { kind: 'word', text: '"' } }],
  ])('is a setting: %s', (line, setting) => {
    expect(settingOf('pump', line)).toEqual({ link: 'pump', ...setting });
  });

  it.each(['setpoint', 'a.b 1', 'x* 1', '/ 1'])('is none: %s', (line) => {
    expect(() => settingOf('pump', line)).toThrow(/TYPE/);
  });
});

/** A gateway that answers when the test says so. */
function rig() {
  const asked: SetRequest[] = [];
  const said: string[] = [];
  const ends: (() => void)[] = [];
  async function* ask(request: SetRequest): AsyncGenerator<SetReply> {
    asked.push(request);
    yield { state: 'accepted', time: '1' };
    await new Promise<void>((end) => ends.push(end));
    yield { state: 'acknowledged', by: 'device' };
  }
  const settings = new TypedSettings('pump', ask, (text) => void said.push(text));
  return { asked, said, ends, settings };
}

describe('settings that are typed', () => {
  it('are sent in their order, eight at once, and each is told of', async () => {
    const { asked, said, ends, settings } = rig();
    for (let n = 0; n < 20; n++) void settings.typed(`t${n} ${n}`);
    await until(() => ends.length === 8, 'eight settings');
    expect(asked.map(({ type }) => type)).toEqual(Array.from({ length: 8 }, (_, n) => `t${n}`));
    ends.shift()?.();
    await until(() => asked.length === 9, 'the ninth');
    let isIdle = false;
    void settings.idle().then(() => (isIdle = true));
    await until(() => {
      ends.shift()?.();
      return isIdle;
    }, 'the end');
    expect(said).toHaveLength(20);
    expect(said[0]).toBe('t0 is acknowledged by pump');
    expect(asked.map(({ type }) => type)).toEqual(Array.from({ length: 20 }, (_, n) => `t${n}`));
    expect(settings.failed).toBe(0);
  });

  it('that are none, or end without an answer, are told and counted; blank lines are nothing', async () => {
    const said: string[] = [];
    // eslint-disable-next-line require-yield -- it fails before any answer
    async function* ask(): AsyncGenerator<SetReply> {
      await Promise.resolve();
      throw new Error('the gateway has gone');
    }
    const settings = new TypedSettings('pump', ask, (text) => void said.push(text));
    await settings.typed('');
    await settings.typed('   ');
    await settings.typed('nonsense');
    await settings.typed('mode eco');
    await settings.idle();
    expect(said).toEqual([
      expect.stringContaining('TYPE[/KEY] VALUE'),
      'mode is unconfirmed: the gateway has not answered: the gateway has gone',
    ]);
    expect(settings.failed).toBe(2);
  });
});
