/** Settings, or where they are to be had: asked for anew at each dial, and may throw a {@link NatsUnknownError}. */
export type NatsSource = NatsSettings | (() => NatsSettings);

/** Nobody knows at present where the server is. The message is for people. */
export class NatsUnknownError extends Error {
  override readonly name = 'NatsUnknownError';
}

export const settingsOf = (source: NatsSource): NatsSettings =>
  typeof source === 'function' ? source() : source;

/** Which nats-server, and who we are towards it. */
export interface NatsSettings {
  /** Such as `nats://127.0.0.1:4222`; one is enough. See {@link insistsOnTls}. */
  readonly servers: readonly string[];
  readonly auth?: NatsAuth;
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /** Shown by the server's monitoring. */
  readonly name?: string;
}

/** Contents, already read from wherever they were kept. */
export type NatsAuth =
  | { readonly kind: 'token'; readonly token: string }
  /** The token of a gateway's own server, which nobody has configured. */
  | { readonly kind: 'private'; readonly token: string }
  | { readonly kind: 'user'; readonly user: string; readonly password: string }
  /** The seed of an nkey: `SU…`. */
  | { readonly kind: 'nkey'; readonly seed: string }
  /** The text of a `.creds` file. */
  | { readonly kind: 'creds'; readonly creds: string };

/**
 * Whether nothing may be told to a server that offers no TLS (docs/contract.md,
 * 'Configuration'). One `tls://` is enough: the servers are one cluster and get
 * the same credentials, and those that a cluster tells of come without a scheme.
 */
export function insistsOnTls({ servers, tls }: NatsSettings): boolean {
  return tls !== undefined || servers.some((server) => /^tls:\/\//i.test(server));
}
