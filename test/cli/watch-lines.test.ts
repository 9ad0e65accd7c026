import { describe, expect, it } from 'vitest';
import { jsonLine, textLine } from '../../src/cli/watch-lines.js';
import { floatValue, jsonValue, makePoint, stringValue } from '../../src/point/point.js';
import type { PointValue } from '../../src/point/point.js';

const lineOf = (value: PointValue): string => {
  const point = makePoint({ type: 'flow', key: '0', value, time: 1_767_225_600_000_000_000n });
  return textLine({ kind: 'point', link: 'pump', nodeId: 'node', point });
};

describe('the line of a point', () => {
  it('has the number as the device in single precision has it, and in JSON all its digits', () => {
    const value = floatValue(23.530000686645508);
    expect(lineOf(value)).toMatch(/ pump ▲ flow = 23\.53$/);
    const point = makePoint({ type: 'flow', value });
    expect(jsonLine({ kind: 'point', link: 'pump', nodeId: 'node', point })).toContain(
      '"value":23.530000686645508',
    );
  });

  it('has text in quotes, JSON without spaces, and neither moves the cursor or turns the line', () => {
    expect(lineOf(stringValue('auto'))).toMatch(/ = "auto"$/);
    expect(lineOf(jsonValue('{ "a": 1 }'))).toMatch(/ = \{"a":1\}$/);
    expect(lineOf(stringValue('\u009b2J\u202eab\u2028'))).toMatch(/ = "\\x9b2J\\u202eab\\u2028"$/);
  });
});
