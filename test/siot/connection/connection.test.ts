import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import {
  Connection,
  NotConnectedError,
  type ConnectionOptions,
  type ConnectionState,
} from '../../../src/siot/connection/connection.js';
import type { NatsSettings } from '../../../src/siot/connection/nats-settings.js';
import { NatsServer } from '../../../src/siot/connection/nats-server.js';
import { cleanup, startNats } from '../harness.js';
import { recordingLog, type Said } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

interface Dialled {
  readonly connection: Connection;
  readonly states: ConnectionState[];
  readonly said: Said[];
}

function dial(settings: NatsSettings, given: Partial<ConnectionOptions> = {}): Dialled {
  const states: ConnectionState[] = [];
  const said: Said[] = [];
  const connection = new Connection({
    settings,
    clock: new SystemClock(),
    random: () => 0.5,
    log: recordingLog(said),
    onState: (state) => states.push(state),
    ...given,
  });
  cleanup(() => connection.close());
  connection.start();
  return { connection, states, said };
}

const connected = ({ connection }: Dialled): boolean => connection.state.name === 'connected';
const refused = ({ connection }: Dialled): boolean => connection.state.name === 'refused';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'siot-mcu-test-'));
  cleanup(() => rmSync(path, { recursive: true }));
  return path;
}

/** A nats-server with this configuration. */
async function configured(text: string): Promise<NatsServer> {
  const file = join(folder(), 'nats.conf');
  writeFileSync(file, text);
  return startNats({ args: ['-c', file] });
}

describe('our identity at the server', () => {
  it('is proved by a token; a wrong one is refused in plain words, and not repeated', async () => {
    const nats = await startNats({ args: ['--auth', 'right-token'] });
    const right = dial({ servers: [nats.url], auth: { kind: 'token', token: 'right-token' } });
    await until(() => connected(right), 'connected');
    const wrong = dial({ servers: [nats.url], auth: { kind: 'token', token: 'wrong-token' } });
    await until(() => wrong.states.length >= 4, 'tried again');
    expect(wrong.connection.state).toEqual({
      name: 'refused',
      problem: `NATS at ${nats.url} refuses the token of nats.token: it does not match what the server expects`,
    });
    expect(wrong.said.filter(({ level }) => level === 'warn').length).toBe(1);
    expect(JSON.stringify(wrong.said)).not.toContain('wrong-token');
    const none = dial({ servers: [nats.url] });
    await until(() => refused(none), 'refused');
    expect(none.said.at(0)?.message).toContain('without credentials: set nats.token');
  });

  it('is proved by user and password', async () => {
    const nats = await startNats({ args: ['--user', 'u', '--pass', 'p'] });
    const right = dial({ servers: [nats.url], auth: { kind: 'user', user: 'u', password: 'p' } });
    await until(() => connected(right), 'connected');
    const wrong = dial({ servers: [nats.url], auth: { kind: 'user', user: 'u', password: 'x' } });
    await until(() => refused(wrong), 'refused');
    expect(wrong.said.at(0)?.message).toContain('nats.user and nats.password');
  });

  it('is proved by an nkey', async () => {
    const pair = nkeys.createUser();
    const seed = new TextDecoder().decode(pair.getSeed());
    const nats = await configured(`authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`);
    const right = dial({ servers: [nats.url], auth: { kind: 'nkey', seed: `${seed}\n` } });
    await until(() => connected(right), 'connected');
    const other = new TextDecoder().decode(nkeys.createUser().getSeed());
    const wrong = dial({ servers: [nats.url], auth: { kind: 'nkey', seed: other } });
    await until(() => refused(wrong), 'refused');
    expect(wrong.said.at(0)?.message).toContain('nats.nkeySeedFile');
    const broken = dial({ servers: [nats.url], auth: { kind: 'nkey', seed: 'no seed' } });
    await until(() => broken.states.length >= 2, 'tried again');
    expect(broken.said.at(0)?.message).toContain('nats.nkeySeedFile');
  });

  it('is proved by a credentials file', async () => {
    const operator = nkeys.createOperator();
    const account = nkeys.createAccount();
    const user = nkeys.createUser();
    const accountJwt = jwt(operator, account.getPublicKey(), {
      type: 'account',
      version: 2,
      limits: { subs: -1, conn: -1, leaf: -1, data: -1, payload: -1, imports: -1, exports: -1 },
    });
    const operatorJwt = jwt(operator, operator.getPublicKey(), { type: 'operator', version: 2 });
    const userJwt = jwt(account, user.getPublicKey(), {
      type: 'user',
      version: 2,
      subs: -1,
      data: -1,
      payload: -1,
    });
    const nats = await configured(
      `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    );
    const creds = [
      '-----BEGIN NATS USER JWT-----',
      userJwt,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      new TextDecoder().decode(user.getSeed()),
      '------END USER NKEY SEED------',
      '',
    ].join('\n');
    const right = dial({ servers: [nats.url], auth: { kind: 'creds', creds } });
    await until(() => connected(right), 'connected');
    const broken = dial({ servers: [nats.url], auth: { kind: 'creds', creds: 'no creds' } });
    await until(() => broken.states.length >= 2, 'tried again');
    expect(broken.said.at(0)?.message).toBe(
      'the file of nats.credsFile is no credentials file; trying again',
    );
  });

  it('is accepted once the server has been reconfigured', async () => {
    const strict = await NatsServer.start({ args: ['--auth', 'other'] });
    cleanup(() => strict.stop());
    const ours = dial({ servers: [strict.url], auth: { kind: 'token', token: 'ours' } });
    await until(() => refused(ours), 'refused');
    await strict.stop();
    const lenient = await NatsServer.start({ port: strict.port, args: ['--auth', 'ours'] });
    cleanup(() => lenient.stop());
    await until(() => connected(ours), 'connected');
  });
});

/** A token as account servers sign them: header, claims and signature. */
function jwt(issuer: ReturnType<typeof nkeys.createUser>, subject: string, nats: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: 'test',
    iat: 1,
    iss: issuer.getPublicKey(),
    name: 'test',
    sub: subject,
    nats,
  };
  const head = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
  return `${head}.${Buffer.from(issuer.sign(Buffer.from(head))).toString('base64url')}`;
}

describe('the connection', () => {
  it('says once that nothing listens, and uses the server that comes', async () => {
    const gone = await NatsServer.start();
    await gone.stop();
    const { connection, said, states } = dial({ servers: [gone.url] });
    await until(() => states.length >= 3, 'tried again');
    expect(said.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      `nothing listens at ${gone.url}: is nats-server running there?; trying again`,
    ]);
    expect(() => connection.publish('a', new Uint8Array(0))).toThrow(NotConnectedError);
    expect(await connection.request('a', new Uint8Array(0), 1_000)).toBe('lost');
    const back = await NatsServer.start({ port: gone.port });
    cleanup(() => back.stop());
    await until(() => connection.connected, 'connected');
  });

  it('takes another server of the list, and hides what is written before an @', async () => {
    const gone = await NatsServer.start();
    await gone.stop();
    const nats = await startNats();
    const first = dial({ servers: [gone.url, nats.url] });
    await until(() => connected(first), 'connected');
    const secret = dial({ servers: [gone.url.replace('//', '//user:geheim@')] });
    await until(() => secret.said.length > 0, 'said');
    expect(JSON.stringify(secret.said)).not.toContain('geheim');
  });

  it('answers all who wait when it is lost, and delivers messages again when it is back', async () => {
    const nats = await NatsServer.start();
    cleanup(() => nats.stop());
    const ours = dial({ servers: [nats.url] });
    const other = dial({ servers: [nats.url] });
    const heard: string[] = [];
    ours.connection.subscribe('greeting', ({ data }) => heard.push(Buffer.from(data).toString()));
    other.connection.subscribe('silence', () => undefined);
    await until(() => connected(ours) && connected(other), 'connected');
    await new Promise<void>((resolve) => other.connection.barrier(() => resolve()));
    const asked = ours.connection.request('silence', new Uint8Array(0), 60_000);
    expect(await ours.connection.request('nobody', new Uint8Array(0), 60_000)).toBe('noResponders');
    await nats.stop('SIGKILL');
    expect(await asked).toBe('lost');
    const back = await NatsServer.start({ port: nats.port });
    cleanup(() => back.stop());
    await until(() => connected(ours) && connected(other), 'connected again');
    await new Promise<void>((resolve) => ours.connection.barrier(() => resolve()));
    other.connection.publish('greeting', Buffer.from('hello'));
    ours.connection.publish('greeting', Buffer.from('echo'));
    await until(() => heard.length > 0, 'heard');
    expect(heard).toEqual(['hello']);
  });

  it('reports each publish during its end as failed for the lack of a connection', async () => {
    const nats = await startNats();
    const { connection } = dial({ servers: [nats.url] });
    await until(() => connection.connected, 'connected');
    const errors: unknown[] = [];
    const stopped = nats.stop('SIGKILL');
    for (let after = 0; after < 50; after += connection.connected ? 0 : 1) {
      try {
        connection.publish('a', Buffer.from('b'));
      } catch (error) {
        errors.push(error);
      }
      await (errors.length % 2 === 0 ? Promise.resolve() : undefined);
      if (after === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await stopped;
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.filter((error) => !(error instanceof NotConnectedError))).toEqual([]);
  });

  it('goes on to deliver messages when a subscriber throws', async () => {
    const nats = await startNats();
    const ours = dial({ servers: [nats.url] });
    const other = dial({ servers: [nats.url] });
    let heard = 0;
    ours.connection.subscribe('a', () => {
      heard += 1;
      throw new Error('a mistake of ours');
    });
    await until(() => connected(ours) && connected(other), 'connected');
    await new Promise<void>((resolve) => ours.connection.barrier(() => resolve()));
    other.connection.publish('a', new Uint8Array(0));
    other.connection.publish('a', new Uint8Array(0));
    await until(() => heard === 2, 'both heard');
    expect(ours.said.filter(({ message }) => message.includes('a mistake of ours')).length).toBe(2);
  });

  it('leaves a server that has stopped reading, even with its buffers full', async () => {
    const nats = await startNats();
    const dialled = dial({ servers: [nats.url] }, { pingEveryMs: 50, pongWithinMs: 300 });
    await until(() => connected(dialled), 'connected');
    nats.signal('SIGSTOP');
    cleanup(() => nats.signal('SIGCONT'));
    const large = new Uint8Array(500_000);
    for (let i = 0; i < 40 && dialled.connection.connected; i++) {
      dialled.connection.publish('a', large);
    }
    await until(() => !dialled.connection.connected, 'given up');
    expect(dialled.said.some(({ message }) => message.includes('no sign of life'))).toBe(true);
    nats.signal('SIGCONT');
    await until(() => connected(dialled), 'connected again');
  });

  it('says that something other than NATS answers', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    cleanup(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { said } = dial({ servers: [`nats://127.0.0.1:${String(port)}`] });
    await until(() => said.length > 0, 'said');
    expect(said[0]?.message).toContain('no connection to NATS at');
  });

  it('ends while it dials, and says nothing more', async () => {
    const nats = await startNats();
    const { connection, states } = dial({ servers: [nats.url] });
    await connection.close();
    expect(states).toEqual([{ name: 'closed' }]);
    await until(() => !connection.connected, 'closed');
    expect(states.length).toBe(1);
  });
});
