/** Addresses of nats-servers as people write them. They may contain secrets. */

/** A host name, in any language, or an IPv6 address. Characters that could belong to a secret are left out. */
const HOST = String.raw`[^\s:/@[\]?#%&=\\]+|\[[0-9A-Fa-f:.]+\]`;

/** `nats://HOST:PORT`. Scheme, port and a slash at the end may be missing. */
export const SERVER = new RegExp(String.raw`^((nats|tls)://)?(${HOST})(:\d{1,5})?/?$`);

const SCHEME = /^(nats|tls|wss?|tcp|https?|ftp):\/\//i;
const BARE = new RegExp(String.raw`^(${HOST})(:\d{1,5})?/?$`);

/**
 * An address for people. If it has more than scheme, host and port, only the scheme is
 * shown: a password may contain `/`, `@`, `?` or `#`, so that its end is not known.
 */
export function shownServer(server: string): string {
  const scheme = SCHEME.exec(server)?.[0] ?? '';
  return BARE.test(server.slice(scheme.length)) ? server : `${scheme}…`;
}
