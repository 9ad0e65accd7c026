import { decodePacket, encodePacket } from '../../../firmware-sim/packet.js';
import { buildPacket, parsePacket } from '../../../src/packet/packet.js';
import { packets } from '../inputs.js';
import { agree, type FuzzTarget } from '../target.js';

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** A frame to a packet. */
export const packetTarget: FuzzTarget = {
  name: 'packet',
  files: ['src/packet/packet.ts', 'src/packet/crc.ts'],
  maxLength: 1_100,
  words: ['ack', 'log', 'proto', 'phr', 'file', new Uint8Array(16)],
  corpus: packets,
  check: (input) => {
    look(input);
    // With a CRC that fits, which chance does not find.
    if (input.length < 17) return;
    const subject = Buffer.from(input.subarray(1, 17)).toString('latin1');
    if (!isAscii(subject)) return;
    const right = encodePacket({ sequence: input[0] ?? 0, subject, payload: input.subarray(17) });
    look(right);
  },
};

function look(bytes: Uint8Array): void {
  const ours = parsePacket(bytes);
  const theirs = decodePacket(bytes);
  if (typeof ours === 'string' || typeof theirs === 'string') {
    agree('what is wrong with it', ours, theirs);
    return;
  }
  agree('sequence', ours.sequence, theirs.sequence);
  agree('payload', Buffer.from(ours.payload), Buffer.from(theirs.payload));
  if (!isAscii(theirs.subject)) return;
  agree('subject', ours.subject, theirs.subject);
  const built = buildPacket(ours.sequence, ours.subject, ours.payload);
  agree('built again', parsePacket(built), { ...ours, frame: built });
  agree(
    'built, and by the simulated device',
    Buffer.from(built),
    Buffer.from(encodePacket({ ...theirs })),
  );
}
