import { errors } from '@nats-io/transport-node';
import { SilentServerError } from './server-probe.js';
import { NatsUnknownError, type NatsSettings } from './nats-settings.js';
import { shownServer } from './server-text.js';

/** Why there is no connection, for people, and whether the server has refused our credentials. */
interface ConnectionProblem {
  readonly refused: boolean;
  readonly text: string;
}

/** Invalid credentials. The message is for people, and contains no part of the credentials. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

/** Describes a failed dial or a lost connection. Never contains a token, a password or a seed. */
export function connectionProblem(cause: unknown, settings: NatsSettings): ConnectionProblem {
  const servers = settings.servers.map(shownServer).join(', ');
  const error = rootCause(cause);
  const is = (...names: string[]): boolean => names.includes(error.code);
  if (cause instanceof errors.AuthorizationError || isRefusal(error.message)) {
    return {
      refused: true,
      text: `NATS at ${servers} refuses ${credentialsOf(settings)}`,
    };
  }
  const text = ((): string => {
    if (cause instanceof CredentialsError || cause instanceof NatsUnknownError)
      return cause.message;
    if (cause instanceof SilentServerError && cause.isConnected) {
      return `${servers} takes connections and says nothing: it hangs, or is no nats-server`;
    }
    if (is('ECONNREFUSED')) {
      return settings.auth?.kind === 'private'
        ? `the gateway’s private nats-server at ${servers} does not run: start \`siot-mcu run\` first`
        : `nothing listens at ${servers}: is nats-server running there?`;
    }
    if (is('ENOTFOUND', 'EAI_AGAIN')) {
      return `the host name of ${servers} is not known: check nats.servers and the DNS`;
    }
    if (is('EHOSTUNREACH', 'ENETUNREACH')) return `no route to ${servers}: check the network`;
    if (is('ETIMEDOUT') || error.name === 'TimeoutError' || cause instanceof SilentServerError) {
      return `no answer from ${servers}: check nats.servers, the network and firewalls`;
    }
    if (is('ERR_TLS_CERT_ALTNAME_INVALID')) {
      return `the certificate of ${servers} is for another name: use the name it was made for in nats.servers`;
    }
    if (error.code.includes('CERT') || error.code.startsWith('UNABLE_TO_')) {
      return `the certificate of ${servers} is not trusted (${error.code}): name its authority in nats.tls.caFile`;
    }
    if (/maximum connections exceeded/i.test(error.message)) {
      return `NATS at ${servers} has as many clients as it takes: raise its max_connections, or end others`;
    }
    if (error.message.includes("does not support 'tls'")) {
      return settings.tls === undefined
        ? `NATS at ${servers} does not offer TLS, on which tls:// insists: switch TLS on there, or write nats:// if nobody can listen in`
        : `NATS at ${servers} does not offer TLS, on which nats.tls insists: switch TLS on there, or take nats.tls out if nobody can listen in`;
    }
    if (error.message.includes("doesn't exist")) {
      return `a file of nats.tls is missing: ${error.message}`;
    }
    return `no connection to NATS at ${servers}: ${error.message}`;
  })();
  return { refused: false, text };
}

function isRefusal(message: string): boolean {
  return /authorization violation|authentication (expired|timeout|revoked)/i.test(message);
}

function credentialsOf(settings: NatsSettings): string {
  const auth = settings.auth;
  const doesNotMatch = 'it does not match what the server expects';
  switch (auth?.kind) {
    case 'token':
      return `the token of nats.token: ${doesNotMatch}`;
    case 'private':
      return 'what was the token of the gateway’s private nats-server: it has been started anew, or another server has its port';
    case 'user':
      return `nats.user and nats.password: ${doesNotMatch.replace('it does', 'they do')}`;
    case 'nkey':
      return 'the key of nats.nkeySeedFile: its public key is not among the users of the server';
    case 'creds':
      return 'the credentials of nats.credsFile: expired, or of another account server';
    case undefined:
      return 'a client without credentials: set nats.token, nats.user and nats.password, nats.nkeySeedFile or nats.credsFile';
  }
}

function rootCause(cause: unknown): { name: string; code: string; message: string } {
  let at = cause;
  let code = '';
  for (let depth = 0; depth < 5 && at instanceof Error; depth++) {
    if ('code' in at && typeof at.code === 'string') code = at.code;
    if (!(at.cause instanceof Error)) break;
    at = at.cause;
  }
  if (!(at instanceof Error)) return { name: '', code, message: String(at) };
  return { name: at.name, code, message: at.message };
}
