import { v5 } from 'uuid';

/** A UUID of any version and variant, since an ID that was kept must be accepted again. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether it has the form of a UUID. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * The UUID version 5 (RFC 9562, 5.5) of a name inside a namespace, which is a UUID
 * itself. The same name and namespace always give the same UUID.
 *
 * Throws a TypeError for a namespace that is not a UUID.
 */
export function uuidV5(namespace: string, name: string): string {
  if (!isUuid(namespace)) throw new TypeError(`not a UUID: ${namespace}`);
  // As bytes: as texts the library refuses a name with half of a surrogate pair, and a namespace of an unknown version.
  return v5(Buffer.from(name), Buffer.from(namespace.replaceAll('-', ''), 'hex'));
}
