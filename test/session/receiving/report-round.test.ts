import { describe, expect, it } from 'vitest';
import { ROUND_MS } from '../../../src/session/receiving/report-round.js';
import { SessionHarness } from '../../support/session-harness.js';

/** A device with a setting in force, which has said nothing of it in this round. */
function rig() {
  const harness = SessionHarness.talking();
  const setting = harness.set('target', 5);
  harness.take();
  const reports = (value: number, type = 'target'): void => void harness.points([{ type, value }]);
  /** Time goes by, and the device says something else now and then: it need not be asked whether it lives. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 10_000) {
      reports(1, 'temp');
      harness.advance(Math.min(left, 10_000));
    }
  };
  const times = (): number => harness.takePoints().filter((one) => one === 'timeSync').length;
  /**
   * Whether a restart of the device brings the setting again; a new run of the gateway shows
   * it.
   */
  const restored = (): boolean => {
    const next = harness.reborn();
    next.open();
    next.take();
    next.hello();
    return next.takePoints().includes('target=5');
  };
  return { harness, setting, reports, pass, times, restored };
}

describe('what a device reports without a time after a timeSync', () => {
  it('is not taken as its own change the first time: it may have been on its way', () => {
    const { harness, setting, reports, restored } = rig();
    reports(4);
    expect(setting.state).toBe('inForce');
    expect(harness.published.at(-1)).toMatchObject({ type: 'target', value: { number: 4 } });
    expect(restored()).toBe(true);
  });

  it('is not taken as one after an opening either, though the setting was acknowledged long before', () => {
    const { harness } = rig();
    const next = harness.reborn();
    next.advance(3_600_000);
    next.open();
    next.points([{ type: 'target', value: 4 }]);
    next.take();
    next.hello();
    expect(next.takePoints()).toContain('target=5');
  });

  it('is taken as one the second time, also when the round had the setting’s own value first', () => {
    const one = rig();
    one.reports(6);
    one.reports(6);
    expect(one.setting.state).toBe('replaced');
    expect(one.restored()).toBe(false);
    const other = rig();
    other.reports(5);
    other.reports(6);
    expect(other.setting.state).toBe('replaced');
  });

  it('is taken as one at once when it has a time of its own, after the acknowledgement', () => {
    const { harness, setting } = rig();
    harness.advance(10);
    harness.points([{ type: 'target', value: 6, time: harness.clock.wallNs() }]);
    expect(setting.state).toBe('replaced');
  });

  it('is taken as one at once when the round is over', () => {
    const { setting, reports, pass } = rig();
    pass(ROUND_MS);
    reports(6);
    expect(setting.state).toBe('replaced');
  });

  it('makes the gateway ask once more: what the device has in force decides', () => {
    const { harness, setting, reports, pass, times } = rig();
    reports(4);
    harness.flush();
    expect(times()).toBe(1);
    // Its next round is up to a minute later.
    pass(60_000);
    reports(5);
    pass(2 * ROUND_MS);
    expect(setting.state).toBe('inForce');
    expect(times()).toBe(0);
  });

  it('is taken as one when the round that was asked for reports it again', () => {
    const { setting, reports, pass } = rig();
    reports(6);
    pass(60_000);
    expect(setting.state).toBe('inForce');
    reports(6);
    expect(setting.state).toBe('replaced');
  });

  it('is taken as one after a whole round in which nothing contradicts it: firmware may report changes alone', () => {
    const { setting, reports, pass, restored } = rig();
    reports(6);
    pass(ROUND_MS - 1);
    expect(setting.state).toBe('inForce');
    pass(1);
    expect(setting.state).toBe('replaced');
    expect(restored()).toBe(false);
  });

  it('is taken as one also where the gateway ends within that round, or the port closes', () => {
    const { harness, reports } = rig();
    reports(6);
    harness.advance(20_000);
    const next = harness.reborn();
    next.open();
    // It has not restarted: its sequence goes on.
    next.points([{ type: 'temp', value: 0 }], harness.nextSequence);
    const pass = (ms: number): void => {
      for (let left = ms; left > 0; left -= 10_000) {
        next.points([{ type: 'temp', value: left }]);
        next.advance(10_000);
      }
    };
    pass(30_000);
    next.close();
    // Nothing can contradict it now.
    next.advance(2 * ROUND_MS);
    expect(next.session.state.settings.get('target', '')?.state).toBe('inForce');
    next.open();
    pass(ROUND_MS - 10_000);
    expect(next.session.state.settings.get('target', '')?.state).toBe('inForce');
    pass(10_000);
    expect(next.session.state.settings.get('target', '')?.state).toBe('replaced');
    next.take();
    next.hello();
    expect(next.takePoints()).not.toContain('target=5');
  });

  it('is forgotten over a restart of the gateway where the device has reported the setting’s own value since', () => {
    const { harness, reports } = rig();
    reports(6);
    reports(5);
    const next = harness.reborn();
    next.open();
    next.points([{ type: 'temp', value: 0 }], harness.nextSequence);
    for (let n = 0; n < 20; n++) {
      next.points([{ type: 'temp', value: n }]);
      next.advance(10_000);
    }
    expect(next.session.state.settings.get('target', '')?.state).toBe('inForce');
  });

  it('is not taken as one after a newer setting, or after a restart of the device that was served', () => {
    const one = rig();
    one.reports(6);
    const newer = one.harness.set('target', 7);
    one.pass(2 * ROUND_MS);
    expect(newer.state).toBe('inForce');
    const other = rig();
    other.reports(6);
    other.harness.advance(6_000);
    other.harness.hello();
    expect(other.harness.takePoints()).toContain('target=5');
    other.pass(2 * ROUND_MS);
    expect(other.setting.state).toBe('inForce');
  });

  it('makes the gateway ask once, however many settings are in doubt', () => {
    const { harness, pass, reports, times } = rig();
    const settings = ['a', 'b', 'c'].map((type) => harness.set(type, 5));
    harness.take();
    for (const type of ['a', 'b']) reports(6, type);
    pass(30_000);
    reports(6, 'c');
    expect(times()).toBe(1);
    pass(60_000);
    expect(settings.map(({ state }) => state)).toEqual(['replaced', 'replaced', 'inForce']);
    // What is still in doubt is asked for, too.
    expect(times()).toBe(1);
    pass(ROUND_MS);
    expect(settings[2]?.state).toBe('replaced');
    expect(times()).toBe(0);
  });

  it('leaves nothing behind when the link ends', () => {
    const { harness, reports } = rig();
    reports(6);
    harness.close();
    harness.session.state.release();
    expect(harness.clock.pendingTimers).toBe(0);
  });
});
