/** A device that takes files strictly in the order of their blocks. */
import { expect, it } from 'vitest';
import { FileReceiver } from '../../firmware-sim/file-receiver.js';
import type { ReceivedPacket } from '../../firmware-sim/transcript.js';

const DATA = [1, 2, 3];

function receiver(refuse = false) {
  const files = new FileReceiver({ refuse });
  const block = (index: number, { name = 'fw.bin', data = DATA } = {}): boolean => {
    const payload = Buffer.alloc(20 + (index < 0 ? 0 : data.length));
    payload.write(name, 0);
    payload.writeInt32LE(index, 16);
    if (index >= 0) payload.set(data, 20);
    const acked: number[] = [];
    const packet = { subject: 'file', sequence: 7, payload } as unknown as ReceivedPacket;
    files.onPacket(packet, { sendAck: (sequence: number) => acked.push(sequence) } as never);
    return acked.join() === '7';
  };
  const got = (): string[] =>
    files.files.map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString('hex')}`);
  return { files, block, got };
}

it('acknowledges the next block, and one that it has', () => {
  const { block, got } = receiver();
  expect([block(1), block(0), block(0), block(2), block(1), block(0), block(1)]).toEqual([
    false,
    true,
    true,
    false,
    true,
    true,
    true,
  ]);
  expect([block(-1), block(-1)]).toEqual([true, true]);
  expect(got()).toEqual(['fw.bin 010203010203']);
});

it('does not take other bytes for a block that it has', () => {
  const { block } = receiver();
  block(0);
  block(1);
  expect(block(1, { data: [9] })).toBe(false);
});

it('takes the end of a file that has not begun for an empty one', () => {
  const { block, got } = receiver();
  block(0);
  expect(block(-1, { name: 'empty' })).toBe(true);
  expect(got()).toEqual(['empty ']);
});

it('forgets the file in a restart, and acknowledges nothing if it refuses files', () => {
  const { files, block } = receiver();
  block(0);
  files.forget();
  expect(block(1)).toBe(false);
  const refusing = receiver(true);
  expect([refusing.block(0), refusing.block(-1)]).toEqual([false, false]);
});
