import { expect, it } from 'vitest';
import type { Control, SetReply, SetRequest } from '../../../../src/gateway/control/control.js';
import { setVerb } from '../../../../src/gateway/control/nats/set.js';
import { FakeClock } from '../../../support/fake-clock.js';

it('what is not understood never comes to the control interface', () => {
  const asked: SetRequest[] = [];
  const control: Pick<Control, 'set'> = {
    set: (request) => Promise.resolve(void asked.push(request)),
  };
  const handler = setVerb({
    control: control as Control,
    clock: new FakeClock(),
    until: new AbortController().signal,
    mostBytes: () => 65_536,
  });
  const ask = (request: object): SetReply[] => {
    const replies: SetReply[] = [];
    handler(Buffer.from(JSON.stringify(request)), (answer) => {
      replies.push(JSON.parse(Buffer.from(answer).toString()) as SetReply);
    });
    return replies;
  };
  for (let n = 0; n < 1_000; n++)
    expect(ask({ link: 'pump' })).toMatchObject([{ state: 'refused' }]);
  expect(asked).toEqual([]);
  const request = { link: 'pump', type: 'note', key: '', value: { kind: 'string', text: 'x' } };
  expect(ask(request)).toEqual([]);
  expect(asked).toEqual([request]);
});
