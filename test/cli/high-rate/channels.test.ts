import { describe, expect, it } from 'vitest';
import { encodeHighRate } from '../../../firmware-sim/high-rate.js';
import { Channels } from '../../../src/cli/high-rate/channels.js';
import { channelJson, channelLine, channelTable } from '../../../src/cli/high-rate/lines.js';

const MS = 1_000_000;

const packet = (key: string, atMs: number, samples: readonly number[]): Uint8Array =>
  encodeHighRate({ type: 'vib', key, startNs: BigInt(1e18 + atMs * MS), periodNs: MS, samples });

function seen() {
  const channels = new Channels(0);
  channels.take(packet('y', 0, [1, -2.5]));
  channels.take(packet('x', 0, [0.1, 5, Number.NaN]));
  channels.take(packet('y', 5, [3]));
  channels.take(new Uint8Array(10));
  return channels;
}

describe('what is seen of high-rate channels', () => {
  it('is rate, least, greatest and gaps, by name', () => {
    expect(seen().views(500)).toMatchObject([
      { key: 'x', samplesPerSecond: 6, min: Math.fround(0.1), max: 5, gaps: 0 },
      { key: 'y', samplesPerSecond: 6, min: -2.5, max: 3, gaps: 1, missing: 3, samples: 3 },
    ]);
  });

  it('begins anew each time, but for the gaps', () => {
    const channels = seen();
    channels.views(500);
    const [, y] = channels.views(1_500);
    expect(y).toMatchObject({ samplesPerSecond: 0, gaps: 1, samples: 3 });
    expect([y?.min, y?.max]).toEqual([undefined, undefined]);
  });

  it('has a bounded number of channels', () => {
    const channels = new Channels(0);
    for (let n = 0; n < 1_000; n++) channels.take(packet(String(n), 0, [1]));
    expect(channels.views(1_000)).toHaveLength(256);
  });

  it('is a table, a line and a line of JSON, with digits that mean something', () => {
    const [x, y] = seen().views(500);
    if (x === undefined || y === undefined) throw new Error('two channels');
    expect(channelTable([x, y], 80)).toEqual([
      'CHANNEL  SAMPLES/S   MIN  MAX  GAPS  MISSING',
      'vib/x            6   0.1    5     0        0',
      'vib/y            6  -2.5    3     1        3',
    ]);
    expect(channelLine(0, y)).toBe(
      '00:00:00 vib/y: 6 samples/s, min -2.5, max 3, 1 gaps (3 samples missing)',
    );
    expect(JSON.parse(channelJson(1, 'pump', y))).toEqual({
      time: '1000000',
      link: 'pump',
      type: 'vib',
      key: 'y',
      periodNs: MS,
      samplesPerSecond: 6,
      min: -2.5,
      max: 3,
      samples: 3,
      gaps: 1,
      missing: 3,
    });
  });
});
