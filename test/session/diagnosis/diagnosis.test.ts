/** Why does it not talk? Each broken device is blamed for what it does wrong. */
import { describe, expect, it } from 'vitest';
import { diagnosisText } from '../../../src/session/diagnosis/diagnosis.js';
import { SessionHarness } from '../../support/session-harness.js';
import { BROKEN_DEVICES } from './broken-devices.js';

/** Seconds pass, in each of which the device sends its message, in pieces as a port gives them. */
function listen(
  harness: SessionHarness,
  message: (second: number) => Uint8Array,
  seconds: number,
): void {
  for (let second = 0; second < seconds; second++) {
    const bytes = message(second);
    for (let at = 0; at < bytes.length; at += 50) harness.bytes(bytes.slice(at, at + 50));
    harness.advance(1_000);
  }
}

const said = (harness: SessionHarness): string[] =>
  harness.log.filter(({ fields }) => 'diagnosis' in fields).map(({ message }) => message);

describe('a broken device', () => {
  it.each(BROKEN_DEVICES.map((device) => [device.name, device] as const))(
    '%s',
    (_, { cause, says, message }) => {
      const harness = new SessionHarness();
      harness.open();
      listen(harness, message, 5);
      const { diagnosis } = harness.session;
      expect([diagnosis?.cause, diagnosis]).toEqual([cause, diagnosis]);
      const text = diagnosis === undefined ? '' : diagnosisText(diagnosis);
      expect(says.filter((words) => !text.includes(words))).toEqual([]);
      expect(said(harness)).toEqual([`no packets: ${text}`]);
      // Once, though it goes on for a minute.
      listen(harness, (second) => message(second + 5), 55);
      expect(said(harness)).toHaveLength(1);
      expect(harness.session.diagnosis).toBe(diagnosis);
    },
  );
});
