/** Whether a wrong CRC is explained by a single bit that was changed on the line. */
import { crc16Next } from '../../packet/crc.js';

/**
 * `length`: bytes that the CRC covers; `syndrome`: the CRC that was computed xor the one
 * that was sent. The CRC is linear: the syndrome is that of the error alone, whatever
 * the packet is.
 */
export function isOneBitOff(syndrome: number, length: number): boolean {
  // A bit of the CRC itself.
  if ((syndrome & (syndrome - 1)) === 0) return syndrome !== 0;
  for (let bit = 0; bit < 8; bit++) {
    let error = crc16Next(0, 1 << bit);
    for (let at = length; at > 0; at--) {
      if (error === syndrome) return true;
      error = crc16Next(error, 0);
    }
  }
  return false;
}
