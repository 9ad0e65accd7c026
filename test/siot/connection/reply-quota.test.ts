import { expect, it } from 'vitest';
import { ReplyQuota } from '../../../src/siot/connection/reply-quota.js';

const MIB = 1_048_576;

it('answers that the server does not take do not pile up, and go on when it has taken them', () => {
  let published = 0;
  const taken: (() => void)[] = [];
  const quota = new ReplyQuota({
    publish: (_subject, answer) => void (published += answer.length),
    barrier: (done) => void taken.push(done),
  });
  const answer = new Uint8Array(MIB / 2);
  for (let n = 0; n < 100; n += 1) quota.reply('somewhere', answer);
  expect(quota.isFull).toBe(true);
  expect(published).toBe(4 * MIB);
  // The first answer was on its way alone, all others behind it.
  while (taken.length > 0) taken.shift()!();
  expect(quota.isFull).toBe(false);
  quota.reply('somewhere', answer);
  expect(published).toBe(4.5 * MIB);
});
