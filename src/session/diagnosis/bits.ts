/**
 * Whether bytes look as if they were sent at a lower baud rate. A slower sender holds
 * each bit for several bit times of the receiver, so that the bytes read have few
 * changes between neighbouring bits. A faster sender looks random.
 *
 * ```
 *  sent at 9,600      0 │ 1 │ 0 │ …          one bit lasts 12 bit times at 115,200
 *  read at 115,200    000000000000 111111…   00 f0, 80, fe, ff …
 * ```
 */

/** Fewer bytes say nothing. */
const ENOUGH_BYTES = 24;
/**
 * Changes of level in a byte as it is on the line, between a start bit 0 and a stop bit
 * 1. Measured: text 5.1, packets in COBS 3.6, random bytes 4.5; read at twice the rate
 * 2.8 to 2.9, at four times 1.6 to 1.9.
 */
const FEW_CHANGES = 3.3;

/** Average changes of level in a byte, start and stop bit included. */
function changesPerByte(bytes: Uint8Array): number {
  let changes = 0;
  for (const byte of bytes) {
    const line = (byte << 1) | 0x200;
    for (let bit = 0; bit < 9; bit++) changes += ((line >> bit) ^ (line >> (bit + 1))) & 1;
  }
  return changes / bytes.length;
}

/** What of the bytes looks like a device that sends more slowly than the port reads, for people. */
export function slowerRate(bytes: Uint8Array): string | undefined {
  if (bytes.length < ENOUGH_BYTES || changesPerByte(bytes) > FEW_CHANGES) return undefined;
  return bytes.every((byte) => byte === 0)
    ? 'nothing but zero bytes, as of a device with a much lower baud rate, or of a line that is held low'
    : 'bytes whose bits change seldom, as those of a device with a lower baud rate';
}
