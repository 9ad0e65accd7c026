import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../src/cli/columns.js';
import { LinkPoints } from '../../src/cli/watch-points.js';
import { frame, share, type Moment, type ShownLink } from '../../src/cli/watch-view.js';
import type { LinkStatus } from '../../src/gateway/link/status.js';
import { floatValue, makePoint, stringValue, type PointValue } from '../../src/point/point.js';
import { linkStatus, pendingSetting } from '../support/link-status.js';

const NOW: Moment = { monotonicMs: 10_000, wallNs: 1_767_225_600_000_000_000n };

const SETTING = pendingSetting({ time: String(NOW.wallNs - 12_000_000_000n) });

/** Points that have come twice a second for 10 s. */
function points(values: Readonly<Record<string, PointValue>>): LinkPoints {
  const seen = new LinkPoints();
  for (let ms = 0; ms <= 10_000; ms += 500) {
    for (const [name, value] of Object.entries(values)) {
      const [type = '', key] = name.split('/');
      seen.seen('up', makePoint({ type, value, ...(key === undefined ? {} : { key }) }), ms);
    }
  }
  return seen;
}

const PUMP: ShownLink = {
  status: linkStatus('pump', { pending: [SETTING], advice: ['set protocol: compact'] }),
  points: points({
    'temp/10': floatValue(23.530000686645508),
    'temp/9': floatValue(7),
    gatewayLimited: floatValue(0),
    label: stringValue('x'.repeat(1_000)),
  }),
};

const shown = { head: ['siot-mcu watch'], links: [PUMP], notes: ['12:00:00 a note'] };

describe('a frame of the view', () => {
  it('shows the link by its name, its points in order, what is pending, and notes', () => {
    expect(frame(shown, { rows: 24, columns: 80 }, NOW)).toEqual([
      'siot-mcu watch',
      '',
      '   point                              value      age      rate',
      'pump: talks · /dev/ttyUSB0 115200 8N1 · codec compact',
      ' ▲ label          "xxxxxxxxxxxx… 1000 bytes    0.0 s     2.0/s',
      ' ▲ temp/9                                 7    0.0 s     2.0/s',
      ' ▲ temp/10                            23.53    0.0 s     2.0/s',
      ' ▲ gatewayLimited                         0    0.0 s     2.0/s',
      ' ! set protocol: compact',
      ' ▽ setpoint = 4.25: pending for 12 s: not acknowledged while the device was',
      '     heard: tried again after a pause (next try in 28 s)',
      '',
      '12:00:00 a note',
    ]);
  });

  it('says why a link does not talk', () => {
    const titleOf = (changed: Partial<LinkStatus>): string | undefined =>
      frame(
        { ...shown, links: [{ ...PUMP, status: linkStatus('pump', changed) }] },
        { rows: 24, columns: 100 },
        NOW,
      ).find((line) => line.startsWith('pump:'));
    expect(titleOf({ state: 'silent' })).toMatch(/^pump: silent · /);
    expect(titleOf({ state: 'closed', portProblem: 'no such port: is it plugged in?' })).toMatch(
      /^pump: closed: no such port: is it plugged in\? · /,
    );
    const diagnosis = { cause: 'text', heard: 'lines of text', advice: 'write packets' } as const;
    const status = linkStatus('pump', { state: 'silent', diagnosis });
    const links = [{ ...PUMP, status }];
    expect(frame({ ...shown, links }, { rows: 24, columns: 100 }, NOW).join('\n')).toMatch(
      /^ ! .*lines of text.*write packets/m,
    );
    expect(titleOf({ state: 'disabled' })).toMatch(/^pump: disabled in SIOT · /);
    expect(titleOf({ state: 'deleted' })).toMatch(/^pump: its node is deleted in SIOT · /);
  });

  it('says how many points and lines there is no room for', () => {
    const many = points(
      Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`temp/${at + 1}`, floatValue(at)])),
    );
    const lines = frame(
      { ...shown, links: [{ ...PUMP, points: many }] },
      { rows: 14, columns: 80 },
      NOW,
    );
    expect(lines).toHaveLength(14);
    expect(lines[4]).toMatch(/ ▲ temp\/1 /);
    expect(lines).toContain('   … 36 more points');
    expect(lines).toContain(' ! set protocol: compact');
    const links = Array.from({ length: 30 }, (_, at) => ({
      ...PUMP,
      status: linkStatus(`pump${at}`),
    }));
    expect(frame({ ...shown, links }, { rows: 14, columns: 80 }, NOW)).toContain(
      '… 22 more links: siot-mcu watch LINK shows one',
    );
  });

  it('leaves out the rate, then the age, where the terminal is narrow', () => {
    const heading = (columns: number): string | undefined =>
      frame(shown, { rows: 24, columns }, NOW).find((line) => line.includes('point '));
    expect(heading(60)).toMatch(/age +rate$/);
    expect(heading(50)).toMatch(/age$/);
    expect(heading(30)).toMatch(/value$/);
  });

  it('fits every terminal, and sends it no control character', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      fc.constantFrom('\u009b2J', '\u202eright to left', '温度'.repeat(20)),
    );
    fc.assert(
      fc.property(
        fc.record({
          rows: fc.integer({ min: 1, max: 40 }),
          columns: fc.integer({ min: 1, max: 150 }),
        }),
        fc.array(fc.tuple(text, text, text), { maxLength: 4 }),
        (size, links) => {
          const lines = frame(
            {
              head: ['siot-mcu watch'],
              links: links.map(([name, type, value]) => ({
                status: linkStatus(name, {
                  portProblem: value,
                  advice: [type],
                  pending: [{ ...SETTING, type, value, reason: name }],
                }),
                points: points({ [type]: stringValue(value), other: floatValue(1) }),
              })),
              notes: links.map(([name]) => name),
            },
            size,
            NOW,
          );
          expect(lines.length).toBeLessThanOrEqual(size.rows);
          for (const line of lines) {
            expect(widthOf(line)).toBeLessThanOrEqual(size.columns);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('the points of a link', () => {
  it('have a rate over the last 5 s, and none when they come no more', () => {
    const seen = new LinkPoints();
    const point = makePoint({ type: 'flow', value: floatValue(1) });
    const rate = (ms: number): number | undefined => seen.all()[0]?.rate(ms);
    for (let ms = 0; ms < 3_000; ms += 100) seen.seen('up', point, ms + 250);
    expect(rate(3_200)).toBeCloseTo(10, 0);
    for (let ms = 3_000; ms < 60_000; ms += 100) seen.seen('up', point, ms + 250);
    expect(rate(60_200)).toBeCloseTo(10);
    expect(rate(63_000)).toBeCloseTo(4.4);
    expect(rate(66_000)).toBe(0);
    seen.seen('up', point, 1e9);
    expect(rate(1e9 + 500)).toBeCloseTo(0.2);
  });

  it('are shown with the name and the unit that are known of them', () => {
    const seen = new LinkPoints();
    const point = makePoint({ type: 'flow', value: floatValue(1.5) });
    seen.seen('up', point, 0, { name: 'Inlet', unit: 'l/min' });
    const links = [{ ...PUMP, points: seen }];
    const lines = frame({ ...shown, links }, { rows: 24, columns: 80 }, NOW);
    expect(lines.find((line) => line.includes('flow'))).toMatch(/^ ▲ flow \(Inlet\) +1\.5 l\/min /);
  });

  it('are limited in number', () => {
    const seen = new LinkPoints();
    for (let at = 0; at < 2_000; at += 1) {
      seen.seen('up', makePoint({ type: 'x', key: String(at), value: floatValue(at) }), at);
    }
    expect(seen.all()).toHaveLength(500);
    expect(seen.hasMore).toBe(true);
  });
});

it('room is divided evenly among those who want it', () => {
  expect(share([1, 10, 10], 11)).toEqual([1, 5, 5]);
  expect(share([5, 5], 3)).toEqual([2, 1]);
  expect(share([1, 2], 9)).toEqual([1, 2]);
  expect(share([3, 3], -1)).toEqual([0, 0]);
  expect(share([], 5)).toEqual([]);
});
