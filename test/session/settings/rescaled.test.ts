/** Settings whose point has another scale than when they were sent (docs/contract.md, "What points are"). */
import { describe, expect, it } from 'vitest';
import { plainValue } from '../../../src/point/point.js';
import { numberIn, type PointLike } from '../../../firmware-sim/points.js';
import {
  SessionHarness,
  ackAll,
  ackNothing,
  type HarnessOptions,
} from '../../support/session-harness.js';

const scaled = (scale: number | undefined): PointLike => ({
  type: 'pointInfo',
  key: 'temp',
  value: { json: JSON.stringify(scale === undefined ? {} : { scale }) },
});

const report = (value: number): PointLike => ({ type: 'temp', value });

/** What was sent of the point since the last call. */
const sentTo = (harness: SessionHarness): number[] =>
  harness
    .take()
    .flatMap(({ points }) => points)
    .filter(({ type }) => type === 'temp')
    .map(({ value }) => numberIn(value));

const shownInSiot = (harness: SessionHarness): unknown =>
  harness.published
    .filter(({ type }) => type === 'temp')
    .map(({ value }) => plainValue(value))
    .at(-1);

describe.each(['compact', 'protobuf'] as const)('a setting of a %s device', (device) => {
  const opened = (options: HarnessOptions = {}) =>
    SessionHarness.opened({ device, acks: ackAll, ...options });

  it('goes down by the scale of the packet that tells the codec', () => {
    const harness = new SessionHarness({ device, codec: 'auto', acks: ackAll });
    harness.open();
    const setting = harness.set('temp', 23.5);
    harness.points([scaled(0.1), report(230)]);
    expect(sentTo(harness)).toEqual([235]);
    harness.points([report(235)]);
    expect(setting.state).toBe('inForce');
  });

  it('goes down once more when the device announces a scale, and is not replaced by what it reports', () => {
    const harness = opened();
    const setting = harness.set('temp', 23.5);
    expect(sentTo(harness)).toEqual([23.5]);
    harness.advance(100_000);
    harness.take();
    harness.points([scaled(0.1), report(23)]);
    expect(sentTo(harness)).toEqual([235]);
    expect(setting.state).toBe('inForce');
    expect(shownInSiot(harness)).toBe(23.5);
    // Each change of it, and only that.
    harness.points([scaled(0.1), report(235)]);
    expect(sentTo(harness)).toEqual([]);
    harness.points([scaled(0.01)]);
    expect(sentTo(harness)).toEqual([2350]);
    harness.points([scaled(undefined)]);
    expect(sentTo(harness)).toEqual([23.5]);
    harness.points([report(24)]);
    harness.points([report(24)]);
    expect(setting.state).toBe('replaced');
    harness.points([scaled(0.1)]);
    expect(sentTo(harness)).toEqual([]);
  });

  it('does so with restore: false, too', () => {
    const harness = opened({ restore: false });
    harness.set('temp', 23.5);
    harness.take();
    harness.points([scaled(0.1)]);
    expect(sentTo(harness)).toEqual([235]);
  });

  it('is not in force by a late acknowledgement of what went down by the scale before', () => {
    const harness = opened();
    harness.points([report(1)]);
    harness.advance(100);
    harness.take();
    harness.acks = ackNothing;
    const setting = harness.set('temp', 23.5);
    const [before] = harness.take();
    harness.points([scaled(0.1)]);
    const [after] = harness.take().filter(({ point }) => point?.type === 'temp');
    expect(numberIn(after?.point?.value)).toBe(235);
    harness.ack(before?.sequence ?? 0);
    expect(setting.state).toBe('pending');
    harness.advance(3_000);
    expect(new Set(sentTo(harness))).toEqual(new Set([235]));
    harness.ack(after?.sequence ?? 0);
    expect(setting.state).toBe('inForce');
  });

  it('goes down by the new scale alone after a restart with firmware that begins to announce it', () => {
    const harness = opened();
    const setting = harness.set('temp', 23.5);
    harness.points([report(23.5)], 100);
    harness.advance(100_000);
    harness.take();
    harness.points([scaled(0.1), report(200)], 1);
    expect(new Set(sentTo(harness))).toEqual(new Set([235]));
    expect(setting.state).toBe('inForce');
  });

  it('does so too where the device has just restarted, and has not acknowledged it since', () => {
    const harness = opened({ acks: ({ point }) => (point?.type === 'temp' ? undefined : 0) });
    harness.set('temp', 23.5);
    harness.points([report(1)], 100);
    harness.points([report(1)], 1);
    expect(new Set(sentTo(harness))).toEqual(new Set([23.5]));
    harness.advance(500);
    harness.points([report(1)], 100);
    harness.take();
    harness.points([scaled(0.1)], 1);
    expect(sentTo(harness)).toEqual([235]);
  });

  it('that acts once is never sent again', () => {
    const harness = opened({ commands: ['temp'] });
    const done = harness.set('temp', 23.5);
    harness.take();
    harness.points([scaled(0.1)]);
    expect(done.state).toBe('ended');
    expect(sentTo(harness)).toEqual([]);

    harness.acks = ackNothing;
    const setting = harness.set('temp', 24.5);
    const [first] = harness.take();
    harness.points([scaled(0.01)]);
    harness.advance(1_500);
    const again = harness.take().filter(({ point }) => point?.type === 'temp');
    expect(again.map(({ frame }) => frame)).toEqual([first?.frame]);
    harness.ack(first?.sequence ?? 0);
    expect(setting.confirmedBy).toBe('ack');
    harness.points([scaled(0.1)]);
    expect(sentTo(harness)).toEqual([]);
  });

  it('goes down once more when the configuration has another scale', () => {
    const first = opened({ points: { temp: { scale: 0.1 } } });
    first.set('temp', 23.5);
    first.points([report(235)]);
    const same = first.reborn();
    same.open();
    same.advance(1_000);
    expect(sentTo(same)).toEqual([]);

    const second = same.reborn({ points: { temp: { scale: 0.01 } }, acks: ackNothing });
    second.open();
    second.points([report(235)]);
    second.points([report(235)]);
    second.acks = ackAll;
    second.advance(10_000);
    expect(new Set(sentTo(second))).toEqual(new Set([2350]));
    expect(second.session.state.settings.get('temp', '')?.state).toBe('inForce');
  });

  it('does not after a restart of the gateway with what the device announced before', () => {
    const first = opened();
    first.points([scaled(0.1)]);
    first.set('temp', 23.5);
    expect(sentTo(first)).toEqual([235]);
    const second = first.reborn();
    second.open();
    second.points([scaled(0.1), report(235)]);
    second.advance(1_000);
    expect(sentTo(second)).toEqual([]);
  });

  it('waits while the device is held, and then goes down by the scale of then', () => {
    const harness = opened();
    const setting = harness.set('temp', 23.5);
    harness.take();
    harness.session.hold(true);
    harness.points([scaled(0.1), report(23)]);
    harness.points([report(23)]);
    expect(sentTo(harness)).toEqual([]);
    harness.session.hold(false);
    harness.flush();
    expect(sentTo(harness)).toEqual([235]);
    expect(setting.state).toBe('inForce');
  });
});
