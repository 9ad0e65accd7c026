import {
  credsAuthenticator,
  nkeyAuthenticator,
  type Authenticator,
  type ConnectionOptions,
} from '@nats-io/transport-node';
import { CredentialsError } from './connection-problem.js';
import { insistsOnTls, type NatsSettings } from './nats-settings.js';

/** Interval of the client library's own pings, which are not used: they hang when the socket to the server is full. */
const NEVER_MS = 24 * 3_600_000;

/** Options of the client library for one dial of one server. */
export function dialOptions(
  settings: NatsSettings,
  server: string,
  withinMs: number,
): ConnectionOptions {
  const { auth, tls, name } = settings;
  const options: ConnectionOptions = {
    servers: [server],
    reconnect: false,
    timeout: withinMs,
    pingInterval: NEVER_MS,
    noEcho: true,
    noAsyncTraces: true,
    ignoreClusterUpdates: true,
    name: name ?? 'siot-mcu-gateway',
  };
  // The library ignores the scheme of the address.
  if (insistsOnTls(settings)) options.tls = { ...tls };
  switch (auth?.kind) {
    case 'token':
    case 'private':
      options.token = auth.token;
      break;
    case 'user':
      options.user = auth.user;
      options.pass = auth.password;
      break;
    case 'nkey':
      options.authenticator = usable(
        nkeyAuthenticator(new TextEncoder().encode(auth.seed.trim())),
        'the file of nats.nkeySeedFile has no seed of an nkey (SU…)',
      );
      break;
    case 'creds':
      options.authenticator = usable(
        credsAuthenticator(new TextEncoder().encode(auth.creds)),
        'the file of nats.credsFile is no credentials file',
      );
      break;
    case undefined:
      break;
  }
  return options;
}

function usable(authenticator: Authenticator, otherwise: string): Authenticator {
  return (nonce) => {
    try {
      return authenticator(nonce);
    } catch (cause) {
      throw new CredentialsError(otherwise, { cause });
    }
  };
}
