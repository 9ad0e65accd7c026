/**
 * The bytes that a UART reads at one baud rate of what was sent at another, 8N1, without
 * a pause between bytes. A byte whose stop bit is 0 is read all the same, and the next
 * one begins after the line has been high.
 */
export function reread(bytes: Uint8Array, sentAt: number, readAt: number): Uint8Array {
  const bits = [1, 1, 1, 1];
  for (const byte of bytes) {
    bits.push(0);
    for (let bit = 0; bit < 8; bit++) bits.push((byte >> bit) & 1);
    bits.push(1);
  }
  for (let idle = 0; idle < 40; idle++) bits.push(1);
  const high = (s: number): boolean => (bits[Math.floor(s * sentAt)] ?? 1) === 1;
  const end = bits.length / sentAt;
  const step = 1 / readAt / 16;
  const out: number[] = [];
  for (let at = 0; at < end;) {
    while (at < end && high(at)) at += step;
    if (at >= end) break;
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) if (high(at + (1.5 + bit) / readAt)) byte |= 1 << bit;
    out.push(byte);
    at += 9.5 / readAt;
    while (at < end && !high(at)) at += step;
  }
  return Uint8Array.from(out);
}
