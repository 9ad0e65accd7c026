import { v5 } from 'uuid';

/** Of any version and variant: an ID that was kept must be read again. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether it has the form of a UUID. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * The UUID version 5 (RFC 9562, 5.5) of a name inside a namespace, which is a
 * UUID itself: the same for the same two, everywhere and always.
 *
 * Throws a TypeError for a namespace that is no UUID.
 */
export function uuidV5(namespace: string, name: string): string {
  if (!isUuid(namespace)) throw new TypeError(`not a UUID: ${namespace}`);
  // As bytes: the library refuses half a character, and namespaces of no known version.
  return v5(Buffer.from(name), Buffer.from(namespace.replaceAll('-', ''), 'hex'));
}
