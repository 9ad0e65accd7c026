import { expect, it } from 'vitest';
import type { Control, SetReply, SetRequest } from '../../../../src/gateway/control/control.js';
import { setVerb } from '../../../../src/gateway/control/nats/set.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { settled } from '../../support.js';

const MIB = 1_048_576;

function rig() {
  const asked: SetRequest[] = [];
  const waiting: (() => void)[] = [];
  const control: Pick<Control, 'set'> = {
    set: (request) => {
      asked.push(request);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
  const handler = setVerb({
    control: control as Control,
    clock: new FakeClock(),
    until: new AbortController().signal,
    mostBytes: () => MIB,
  });
  const ask = (request: object): SetReply[] => {
    const replies: SetReply[] = [];
    handler(Buffer.from(JSON.stringify(request)), (answer) => {
      replies.push(JSON.parse(Buffer.from(answer).toString()) as SetReply);
    });
    return replies;
  };
  const ofBytes = (bytes: number): object => {
    const value = { kind: 'string', text: 'x'.repeat(bytes) };
    return { link: 'pump', type: 'note', key: '', value };
  };
  return { asked, waiting, ask, ofBytes };
}

it('what waits for SIOT and the disk is bounded in bytes, until it is settled', async () => {
  const { asked, waiting, ask, ofBytes } = rig();
  expect(ask(ofBytes(MIB))).toEqual([]);
  expect(ask(ofBytes(MIB / 2))).toEqual([]);
  expect(ask(ofBytes(MIB))).toEqual([
    { state: 'refused', reason: 'much is being set at once: try again in a moment' },
  ]);
  expect(asked).toHaveLength(2);
  waiting[0]?.();
  await settled();
  expect(ask(ofBytes(MIB))).toEqual([]);
  expect(asked).toHaveLength(3);
});

it('one alone may be larger than all, and what is not understood takes nothing', () => {
  const { asked, ask, ofBytes } = rig();
  for (let n = 0; n < 1_000; n++)
    expect(ask({ link: 'pump' })).toMatchObject([{ state: 'refused' }]);
  expect(ask(ofBytes(3 * MIB))).toEqual([]);
  expect(asked).toHaveLength(1);
});
