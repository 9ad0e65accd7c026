/** Why a device on a CAN bus does not talk. */
import { expect, it } from 'vitest';
import type { Diagnosis } from '../../src/session/diagnosis/diagnosis.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeCan } from '../transport/can/fake-can.js';
import { linkOn } from './link-on-can.js';
import { settled } from './support.js';

const RX_ID = 0x124;

/** What is known after 6 s, in which a frame comes each 100 ms. */
async function diagnosed(
  framing: 'cobs' | 'isotp',
  frame: (number: number) => number[] | undefined,
): Promise<Diagnosis | undefined> {
  const can = new FakeCan();
  const clock = new FakeClock();
  const session = linkOn(can, clock, framing, true);
  await settled();
  await settled();
  for (let i = 0; i < 60; i++) {
    const data = frame(i);
    if (data !== undefined) can.hear(RX_ID, data);
    await settled();
    await clock.advanceAsync(100);
  }
  return session.diagnosis;
}

it('nothing is heard: it is told what to look at on a bus', async () => {
  for (const framing of ['cobs', 'isotp'] as const) {
    const found = await diagnosed(framing, () => undefined);
    expect(found?.cause).toBe('silence');
    expect(found?.advice).toContain('rxId');
    expect(found?.advice).not.toMatch(/TX|probe/);
  }
});

it.each<[string, string, (number: number) => number[]]>([
  ['frames that are no ISO-TP', 'CAN frames that are no ISO-TP', () => [0xff, 1, 2]],
  ['the first frames of packets alone', 'begun anew', () => [0x10, 0x40, 1, 2, 3, 4, 5, 6]],
  ['later frames of packets alone', 'not due', (i) => [0x20 | (i & 15), 1, 2, 3, 4, 5, 6, 7]],
  ['flow control alone', 'not due', () => [0x30, 0, 0]],
])('%s', async (_, heard, frame) => {
  const found = await diagnosed('isotp', frame);
  expect(found?.cause).toBe('isoTp');
  expect(found?.heard).toMatch(/^about 10 frames\/s: /);
  expect(found?.heard).toContain(heard);
  expect(found?.advice).toContain('txId, rxId');
});

it('a single frame does not tell a mistake', async () => {
  const found = await diagnosed('isotp', (i) => (i === 3 ? [0xff, 1, 2] : undefined));
  expect(found?.cause).toBe('unclear');
  expect(found?.heard).toContain('perhaps CAN frames that are no ISO-TP');
});

it('packets that are begun and not continued, one each 1.5 s', async () => {
  const begun = [0x10, 0x40, 1, 2, 3, 4, 5, 6];
  const found = await diagnosed('isotp', (i) => (i % 15 === 0 ? begun : undefined));
  expect(found?.heard).toContain('ISO-TP packets that begin and are not completed');
});

it('packets that are too long', async () => {
  const found = await diagnosed('isotp', () => [0x1f, 0xff, 1, 2, 3, 4, 5, 6]);
  expect(found?.cause).toBe('tooLong');
});

it('other frames where COBS is expected: the baud rate is not blamed, which a bus does not have', async () => {
  const found = await diagnosed('cobs', () => [0xf0, 0xff, 0xff, 0xf0, 0xf8, 0xfc]);
  expect(found?.cause).toBe('unclear');
  expect(found?.advice).not.toMatch(/baud|probe/);
});
