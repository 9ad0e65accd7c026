/** What `siot-mcu set` tells of a setting: how it was confirmed, and what the device reports of it. */
import { expect, it } from 'vitest';
import { numberOf } from '../../../src/point/point.js';
import { SessionHarness, ackAll, ackNothing } from '../../support/session-harness.js';
import type { Setting } from '../../../src/session/settings/setting.js';

const told = ({ state, confirmedBy, report, reportEquals }: Setting): unknown[] => [
  state,
  confirmedBy,
  report === undefined ? undefined : numberOf(report.value),
  reportEquals,
];

/** A device that acknowledges when told to. */
function slow(): SessionHarness {
  const harness = SessionHarness.talking();
  harness.acks = ackNothing;
  return harness;
}

const sequenceOf = (harness: SessionHarness): number => harness.take().at(-1)?.sequence ?? 0;

it('a setting is confirmed by an acknowledgement, and replaced by a report after it', () => {
  const harness = SessionHarness.talking({ acks: ackAll });
  harness.points([{ type: 'limit', value: 3 }]);
  const setting = harness.set('limit', 99);
  // What it reported before says nothing.
  expect(told(setting)).toEqual(['inForce', 'ack', undefined, false]);
  harness.points([{ type: 'limit', value: 8 }]);
  expect(told(setting)).toEqual(['replaced', 'ack', 8, false]);
});

it('a setting is confirmed by a report that comes before the acknowledgement', () => {
  const harness = slow();
  const setting = harness.set('limit', 0.1);
  const sequence = sequenceOf(harness);
  expect(harness.session.downlink.awaitsAck(setting)).toBe(true);
  harness.points([{ type: 'limit', value: 3 }]);
  expect(told(setting)).toEqual(['pending', undefined, 3, false]);
  harness.points([{ type: 'limit', value: { float32: Math.fround(0.1) } }]);
  expect(told(setting)).toEqual(['inForce', 'report', Math.fround(0.1), true]);
  expect(harness.session.downlink.awaitsAck(setting)).toBe(true);
  const changes = harness.changedSettings.length;
  harness.ack(sequence);
  expect(told(setting)).toEqual(['inForce', 'ack', Math.fround(0.1), true]);
  expect(harness.changedSettings).toHaveLength(changes + 1);
  expect(harness.session.downlink.awaitsAck(setting)).toBe(false);
});

it('a setting is confirmed by an equal report, and its acknowledgement is not awaited without end', () => {
  const harness = slow();
  const setting = harness.set('limit', 5);
  harness.points([{ type: 'limit', value: 5 }]);
  harness.advance(10_000);
  expect(told(setting)).toEqual(['inForce', 'report', 5, true]);
  expect(harness.session.downlink.awaitsAck(setting)).toBe(false);
});

it.each(['unknown', 'no'] as const)(
  'a setting for a device that never acknowledges (%s before): its report is no acknowledgement',
  (acknowledges) => {
    const harness = new SessionHarness({ codec: 'compact', record: { acknowledges } });
    harness.open();
    harness.points([{ type: 'temp', value: 1 }]);
    harness.advance(60_000);
    const setting = harness.set('limit', 5);
    harness.points([{ type: 'limit', value: 5 }]);
    harness.advance(60_000);
    expect(told(setting)).toEqual(['inForce', 'report', 5, true]);
  },
);
