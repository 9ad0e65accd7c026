/** Text between packets, as a session hears it. */
import { describe, expect, it } from 'vitest';
import { encodeFrame, encodePacket, POINT_CODECS } from '../../../firmware-sim/index.js';
import { mcuPoint } from '../../../firmware-sim/points.js';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { SessionHarness } from '../../support/session-harness.js';

const frame = (sequence: number, text = 'auto'): Buffer =>
  Buffer.from(
    encodeFrame(
      encodePacket({
        sequence,
        subject: '',
        payload: POINT_CODECS.compact.encode([mcuPoint({ type: 'mode', value: text })]),
      }),
    ),
  );

const DUMP = [
  "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.",
  '',
  'Core  0 register dump:',
  ...Array.from(
    { length: 60 },
    (_, n) => `A${n}      : 0x3ffb4f50  A${n + 1}      : 0x00000000  A${n + 2}      : 0x00060d23  `,
  ),
  '-----------------------------',
  'Backtrace: 0x400d1231:0x3ffb4f50 0x400d0d2c:0x3ffb4f70',
  'Rebooting...',
];
const DUMPED = DUMP.map((line) => line.trimEnd()).filter((line) => line !== '');
const printed = Buffer.from(DUMP.map((line) => `${line}\r\n`).join(''));

/** All that is kept, one line each. */
const kept = (harness: SessionHarness): string[] =>
  harness.lines
    .flatMap((text) => text.split(/[\r\n]+/))
    .map((line) => line.trimEnd())
    .filter(Boolean);

describe('text between packets', () => {
  it('is kept with each line end, while the device has sent no packet after it', () => {
    const harness = SessionHarness.talking();
    harness.bytes(printed.subarray(0, 100));
    expect(kept(harness)).toEqual(DUMPED.slice(0, 1));
    harness.bytes(printed.subarray(100));
    expect(kept(harness)).toEqual(DUMPED);
    // It is no point: SIOT gets no crash dumps.
    expect(harness.published.filter(({ type }) => type === 'log')).toEqual([]);
  });

  it.each(['in one chunk', 'byte by byte', 'by chance'])(
    'is kept whole between packets, and costs none of them: %s',
    (how) => {
      const seed = 17;
      const source = new SeededRandom(seed);
      const random = (): number => source.next();
      const harness = SessionHarness.talking();
      const bytes = Buffer.concat([
        frame(2),
        frame(3),
        printed,
        frame(4),
        frame(5, 'a\r\nlong text\r\nx'),
      ]);
      for (let from = 0; from < bytes.length;) {
        const size =
          how === 'in one chunk'
            ? bytes.length
            : how === 'byte by byte'
              ? 1
              : 1 + Math.floor(random() * 90);
        harness.bytes(bytes.subarray(from, from + size));
        from += size;
      }
      harness.flush();
      expect([seed, kept(harness)]).toEqual([seed, DUMPED]);
      expect(
        harness
          .take()
          .filter(({ subject }) => subject === 'ack')
          .map(({ sequence }) => sequence),
      ).toEqual([2, 3, 4, 5]);
    },
  );

  it('is kept where the crash has cut a packet, also before the next delimiter', () => {
    const harness = SessionHarness.talking();
    harness.bytes(Buffer.concat([frame(2).subarray(0, 20), Buffer.from('\r\n'), printed]));
    expect(kept(harness).length).toBeGreaterThan(20);
    harness.bytes(frame(3));
    expect(kept(harness)).toEqual(DUMPED);
  });

  it('is kept without a line end when packets go on, or the port is closed', () => {
    const harness = SessionHarness.talking();
    harness.bytes(Buffer.concat([Buffer.from('no line end'), frame(2)]));
    expect(kept(harness)).toEqual(['no line end']);
    harness.bytes(Buffer.from('the last words'));
    harness.close();
    expect(kept(harness)).toEqual(['no line end', 'the last words']);
  });

  it('without an end is kept in pieces, of limited size and rate', () => {
    const harness = SessionHarness.talking();
    const chunk = Buffer.from('ticks '.repeat(200));
    for (let n = 0; n < 1_000; n++) harness.bytes(chunk);
    const characters = harness.lines.reduce((sum, line) => sum + line.length, 0);
    expect(characters).toBeGreaterThan(200_000);
    expect(characters).toBeLessThan(270_000);
    expect(harness.count('droppedLog')).toBeGreaterThan(100);
    harness.advance(10_000);
    harness.bytes(chunk);
    harness.bytes(chunk);
    expect(harness.lines.reduce((sum, line) => sum + line.length, 0)).toBeGreaterThan(characters);
  });

  it('is not seen in packets, whole or broken, nor in noise', () => {
    const seed = 5;
    const source = new SeededRandom(seed);
    const random = (): number => source.next();
    const harness = SessionHarness.talking();
    for (let n = 0; n < 400; n++) {
      const bytes = frame((n % 250) + 2, `Pump controller\n number ${n} of the house`);
      // In each second one a byte is changed, or lost.
      const at = 1 + Math.floor(random() * (bytes.length - 2));
      if (n % 4 === 1) bytes[at] = 1 + Math.floor(random() * 255);
      const lost =
        n % 4 === 3 ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]) : bytes;
      const cut = Math.floor(random() * lost.length);
      harness.bytes(lost.subarray(0, cut));
      harness.bytes(lost.subarray(cut));
    }
    for (let n = 0; n < 200; n++)
      harness.bytes(Uint8Array.from({ length: 100 }, () => Math.floor(random() * 256)));
    expect([seed, kept(harness)]).toEqual([seed, []]);
  });
});
