/** How much of a list has room in an answer, whose size the face limits. */

/** Room for the field that says how much was left out: of the answer, or of a link in it. */
export const SAID_BYTES = 40;

/** Size as JSON in UTF-8, bytes. */
export const sizeOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

/**
 * Returns whether so many bytes have room beside `head`, the answer with an empty list,
 * and takes that room if so.
 */
export function pageRoom(head: object, mostBytes: number): (bytes: number) => boolean {
  let room = mostBytes - sizeOf(head) - SAID_BYTES;
  return (bytes) => {
    if (bytes > room) return false;
    room -= bytes;
    return true;
  };
}
