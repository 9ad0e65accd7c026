import { expect, it } from 'vitest';
import type { Control, SetReply, SetRequest } from '../../../../src/gateway/control/control.js';
import { setVerb } from '../../../../src/gateway/control/verbs/set.js';
import { FakeClock } from '../../../support/fake-clock.js';

function rig(limit: number) {
  const asked: SetRequest[] = [];
  const control: Pick<Control, 'set' | 'setRefusal'> = {
    set: (request) => Promise.resolve(void asked.push(request)),
    setRefusal: (bytes) => (bytes > limit ? { state: 'refused', reason: 'busy' } : undefined),
  };
  const handler = setVerb({
    control: control as Control,
    clock: new FakeClock(),
    mostBytes: () => 65_536,
  });
  const ask = (request: object): SetReply[] => {
    const replies: SetReply[] = [];
    void handler(Buffer.from(JSON.stringify(request)), {
      reply: (answer) => {
        replies.push(JSON.parse(Buffer.from(answer).toString()) as SetReply);
      },
      until: new AbortController().signal,
    });
    return replies;
  };
  return { asked, ask };
}

const REQUEST = { link: 'pump', type: 'note', key: '', value: { kind: 'string', text: 'x' } };

it('a request that is not understood never reaches the control interface', () => {
  const { asked, ask } = rig(1_000);
  for (let n = 0; n < 1_000; n++)
    expect(ask({ link: 'pump' })).toMatchObject([{ state: 'refused' }]);
  expect(asked).toEqual([]);
  expect(ask(REQUEST)).toEqual([]);
  expect(asked).toEqual([REQUEST]);
});

it('a request for which there is no room is refused by its length, before it is read', () => {
  const { asked, ask } = rig(50);
  const long = { ...REQUEST, value: { kind: 'string', text: 'x'.repeat(50) } };
  expect(ask(long)).toEqual([{ state: 'refused', reason: 'busy' }]);
  // Reading it would have given another error.
  expect(ask({ nonsense: 'x'.repeat(50) })).toEqual([{ state: 'refused', reason: 'busy' }]);
  expect(asked).toEqual([]);
});
