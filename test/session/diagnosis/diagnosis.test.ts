/** Why does it not talk? Each broken device is blamed for what it does wrong. */
import { describe, expect, it } from 'vitest';
import {
  DIAGNOSIS_CAUSES,
  diagnosisText,
  type DiagnosisCause,
} from '../../../src/session/diagnosis/diagnosis.js';
import { WIRE_MISTAKES, type WireMistake } from '../../../firmware-sim/mistakes.js';
import { ackNothing, SessionHarness } from '../../support/session-harness.js';
import { BROKEN_DEVICES } from './broken-devices.js';
import { simulated } from './simulated.js';

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

const MISTAKES: Readonly<Record<WireMistake, DiagnosisCause>> = {
  'crc-swapped': 'crcSwapped',
  'crc-modbus': 'crcAlgorithm',
  'crc-payload': 'crcRange',
  'no-crc': 'crcMissing',
  'no-cobs': 'noCobs',
  'no-zero': 'noZero',
  'short-subject': 'subjectLength',
  'old-arduino': 'oldArduino',
  text: 'text',
  json: 'json',
  'two-codecs': 'twoCodecs',
  'standing-sequence': 'sequenceStands',
};

describe('a simulated device with a mistake', () => {
  it.each(
    WIRE_MISTAKES.flatMap(([name]) => [[name, 'protobuf'] as const, [name, 'compact'] as const]),
  )('%s, %s', async (name, protocol) => {
    const harness = simulated(name, protocol);
    await harness.clock.advanceAsync(40_000);
    expect(harness.session.diagnosis?.cause).toBe(MISTAKES[name]);
  });

  it('that does not hear the gateway is told so, and no longer when it does', () => {
    const harness = SessionHarness.talking();
    for (let i = 1; i <= 5; i++) {
      for (let again = 0; again < 4; again++) {
        harness.points([{ type: 'temp', value: i }], 10 + i);
        harness.advance(1_000);
      }
    }
    expect(harness.session.diagnosis?.cause).toBe('deaf');
    expect(said(harness)).toHaveLength(1);
    for (let i = 1; i <= 2; i++) harness.points([{ type: 'temp', value: i }], 20 + i);
    expect(harness.session.diagnosis).toBeUndefined();
  });

  it('on a line that only echoes says nothing itself', () => {
    const harness = new SessionHarness({ codec: 'compact', echoMs: 1 });
    harness.open();
    harness.advance(10_000);
    expect(harness.session.diagnosis?.cause).toBe('echo');
  });
});

describe('a diagnosis', () => {
  const text = Buffer.from('temp=23.5\r\n');

  it('of silence is only shown, and ends with the first byte', () => {
    const harness = new SessionHarness();
    harness.open();
    harness.advance(3_000);
    expect(harness.session.diagnosis).toBeUndefined();
    harness.advance(2_000);
    expect(harness.session.diagnosis?.cause).toBe('silence');
    expect(said(harness)).toEqual([]);
    harness.bytes(text);
    expect(harness.session.diagnosis).toBeUndefined();
  });

  it('comes within 5 s of the first byte, and ends with the first packet, which is told', () => {
    const harness = SessionHarness.opened();
    harness.advance(60_000);
    listen(harness, () => text, 5);
    expect(harness.session.diagnosis?.cause).toBe('text');
    harness.points([{ type: 'temp', value: 1 }]);
    expect(harness.session.diagnosis).toBeUndefined();
    expect(said(harness).at(-1)).toBe('the device talks now');
  });

  it('comes again when packets stop while bytes go on', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    listen(harness, () => text, 30);
    expect(harness.session.diagnosis).toBeUndefined();
    listen(harness, () => text, 35);
    expect(harness.session.diagnosis?.cause).toBe('text');
  });

  it('is not made of text between packets', () => {
    const harness = SessionHarness.talking();
    for (let i = 2; i < 20; i++) {
      listen(harness, () => text, 10);
      harness.points([{ type: 'temp', value: i }]);
    }
    expect(said(harness)).toEqual([]);
  });

  it('names the codec that the configuration does not', () => {
    const harness = new SessionHarness({ codec: 'protobuf' });
    harness.open();
    for (let i = 0; i < 5; i++) {
      harness.points([{ type: 'temp', value: i }], i + 1, { protocol: 'compact' });
      harness.advance(1_000);
    }
    expect(harness.session.diagnosis?.cause).toBe('otherCodec');
  });

  it('of a single frame does not blame: it says what was heard and what is likely', () => {
    const harness = new SessionHarness();
    harness.open();
    harness.bytes(BROKEN_DEVICES.find(({ cause }) => cause === 'crcSwapped')!.message(0));
    harness.advance(5_000);
    expect(harness.session.diagnosis?.cause).toBe('unclear');
    expect(harness.session.diagnosis?.heard).toContain('perhaps packets whose CRC is wrong');
  });

  it('has a device in these tests for each cause', () => {
    const tested = new Set([
      ...BROKEN_DEVICES.map(({ cause }) => cause),
      ...Object.values(MISTAKES),
      ...(['silence', 'echo', 'deaf', 'otherCodec', 'unclear', 'damaged', 'isoTp'] as const),
    ]);
    expect(DIAGNOSIS_CAUSES.filter((cause) => !tested.has(cause))).toEqual([]);
  });

  it('of a line that damages each packet says so', async () => {
    const harness = simulated('flip=0.06', 'compact', 3);
    await harness.clock.advanceAsync(6_000);
    expect(harness.session.diagnosis?.cause).toBe('damaged');
  });
});
