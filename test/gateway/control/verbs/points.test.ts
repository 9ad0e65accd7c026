import { expect, it } from 'vitest';
import type { Control, PointInfoEntry } from '../../../../src/gateway/control/control.js';
import { pointsVerb } from '../../../../src/gateway/control/verbs/points.js';
import type { PointsReply } from '../../../../src/gateway/control/verbs/points-request.js';
import { FakeClock } from '../../../support/fake-clock.js';

it('never answers with more than a message may have, and says how much is left', () => {
  const points: PointInfoEntry[] = Array.from({ length: 100 }, (_, at) => ({
    type: `t${at}`,
    unit: '°C',
  }));
  const pointInfo: Control['pointInfo'] = () => ({ state: 'points', version: 'ab', points });
  const mostBytes = 400;
  const verb = pointsVerb({
    control: { pointInfo } as Control,
    clock: new FakeClock(),
    mostBytes: () => mostBytes,
  });
  const seen: PointInfoEntry[] = [];
  for (let left = 1; left > 0;) {
    const request = Buffer.from(JSON.stringify({ link: 'pump', from: seen.length }));
    let answer: Uint8Array = new Uint8Array();
    void verb(request, { reply: (bytes) => (answer = bytes), until: new AbortController().signal });
    expect(answer.length).toBeGreaterThan(0);
    expect(answer.length).toBeLessThanOrEqual(mostBytes);
    const page = JSON.parse(Buffer.from(answer).toString()) as PointsReply;
    if (page.state === 'refused') throw new Error(page.reason);
    seen.push(...page.points);
    left = page.pointsLeft ?? 0;
    expect(left).toBe(points.length - seen.length);
  }
  expect(seen).toEqual(points);
});
