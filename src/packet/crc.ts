/**
 * CRC-16/KERMIT: reflected polynomial 0x8408, initial value 0, no final xor;
 * "123456789" gives 0x2189 (docs/siot.md, 2.2).
 */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  return crc;
});

/** CRC with one more byte. After the two bytes of a right CRC, low byte first, it is 0. */
export const crc16Next = (crc: number, byte: number): number =>
  (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);

/** The CRC that the two bytes at `at` say, low byte first. */
export const statedCrc = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

/** CRC of the first `length` bytes. */
export function crc16(bytes: Uint8Array, length = bytes.length): number {
  let crc = 0;
  for (let i = 0; i < length; i++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  }
  return crc;
}
