/** What is measured, and what both ends of it agree on. */
export const INTERFACE = 'vcan0';
/** Identifiers to a peer and back: each end has a peer of its own, and they do not hear each other. */
export interface Ids {
  readonly down: number;
  readonly up: number;
}
export const IDS = {
  gateway: { down: 0x123, up: 0x124 },
  bare: { down: 0x125, up: 0x126 },
} as const;
/** Bytes of a packet: a few points. */
export const PACKET_BYTES = 100;

export interface Case {
  readonly framing: 'cobs' | 'isotp';
  readonly fd: boolean;
}

export const CASES: readonly Case[] = [
  { framing: 'cobs', fd: false },
  { framing: 'cobs', fd: true },
  { framing: 'isotp', fd: false },
  { framing: 'isotp', fd: true },
];

export const nameOf = ({ framing, fd }: Case): string => `${framing}, ${fd ? 'FD' : 'classic'}`;

/** Each differs from the one before, as packets with a sequence number do. */
export function packetOf(count: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, 0x55);
  packet.writeUInt32LE(count);
  return packet;
}
