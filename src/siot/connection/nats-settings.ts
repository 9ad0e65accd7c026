/** Settings, or a function that returns them. It is called at each dial, and may throw a {@link NatsUnknownError}. */
export type NatsSource = NatsSettings | (() => NatsSettings);

/** The server's address is not known now. The message is for people. */
export class NatsUnknownError extends Error {
  override readonly name = 'NatsUnknownError';
}

/** The present settings. Throws as the source does. */
export const settingsOf = (source: NatsSource): NatsSettings =>
  typeof source === 'function' ? source() : source;

/** Addresses of the nats-servers, and our credentials. */
export interface NatsSettings {
  /** Such as `nats://127.0.0.1:4222`; one is enough. See {@link insistsOnTls}. */
  readonly servers: readonly string[];
  readonly auth?: NatsAuth;
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /** Name of the client, which the server's monitoring shows. */
  readonly name?: string;
}

/** Credentials: the contents of files, not their names. */
export type NatsAuth =
  | { readonly kind: 'token'; readonly token: string }
  /** The token of a gateway's private server, which is not configured. */
  | { readonly kind: 'private'; readonly token: string }
  | { readonly kind: 'user'; readonly user: string; readonly password: string }
  /** The seed of an nkey: `SU…`. */
  | { readonly kind: 'nkey'; readonly seed: string }
  /** The text of a `.creds` file. */
  | { readonly kind: 'creds'; readonly creds: string };

/**
 * Whether a server that offers no TLS is refused, before credentials are sent
 * (docs/contract.md, "Configuration"). One `tls://` is enough: all servers are one
 * cluster and get the same credentials, and a cluster announces servers without a scheme.
 */
export function insistsOnTls({ servers, tls }: NatsSettings): boolean {
  return tls !== undefined || servers.some((server) => /^tls:\/\//i.test(server));
}
