import { describe, expect, it } from 'vitest';
import { SessionHarness } from '../../support/session-harness.js';

const line = (harness: SessionHarness, text: string): number =>
  harness.packet(1, 'log', Buffer.from(text));
const logged = (harness: SessionHarness): unknown[] =>
  harness.log
    .filter(({ message }) => message === 'the device says')
    .map(({ fields }) => fields.device);
const published = (harness: SessionHarness): unknown[] =>
  harness.published
    .filter(({ type }) => type === 'log')
    .map(({ value }) => (value.kind === 'string' ? value.text : value.kind));

describe('log lines of a device', () => {
  it('that come in a burst at its start are all kept', () => {
    const harness = SessionHarness.talking();
    for (let n = 1; n <= 100; n++) line(harness, `line ${n}`);
    expect(logged(harness)).toHaveLength(100);
    expect(published(harness)).toHaveLength(100);
    expect(harness.count('droppedLog')).toBe(0);
  });

  it('at the full rate of the line are cut to ten a second; the last one is kept, and all others are counted', () => {
    const harness = SessionHarness.talking();
    for (let n = 1; n <= 5_000; n++) {
      line(harness, `line ${n}`);
      harness.advance(1);
    }
    harness.advance(1_000);
    const lines = logged(harness);
    expect(lines.length).toBeGreaterThan(140);
    expect(lines.length).toBeLessThan(160);
    expect(published(harness)).toEqual(lines);
    expect(lines.at(-1)).toBe('line 5000');
    expect(harness.count('droppedLog')).toBe(5_000 - lines.length);
    harness.advance(60_000);
    expect(logged(harness)).toEqual(lines);
  });

  it('are published up to the last when the port is closed, and are cut to a length that SIOT takes', () => {
    const harness = SessionHarness.talking({ maxFrameLength: 8_192 });
    for (let n = 1; n <= 200; n++) line(harness, `line ${n}`);
    line(harness, 'x'.repeat(5_000));
    harness.close();
    expect(published(harness).at(-1)).toBe('x'.repeat(1_000));
  });

  it('are not more because it restarts all the time', () => {
    const harness = SessionHarness.talking();
    for (let n = 1; n <= 2_000; n++) {
      harness.points([{ type: 'temp', value: n }], (n % 2) + 1);
      harness.advance(5);
    }
    expect(harness.count('restart')).toBe(1_000);
    const said = harness.log.filter(({ message }) => message === 'the device has restarted');
    expect(said.length).toBeLessThanOrEqual(6);
  });
});
