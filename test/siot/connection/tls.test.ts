/** TLS towards NATS: whom it trusts, and that `tls://` insists on it (docs/contract.md, 'Configuration'). */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { Connection } from '../../../src/siot/connection/connection.js';
import type { NatsSettings } from '../../../src/siot/connection/nats-settings.js';
import { hasOpenssl, makeCertificates, type Certificates } from '../../support/certificates.js';
import { Cli } from '../../support/cli.js';
import { tempDir } from '../../support/temp-dir.js';
import { cleanup, startNats } from '../harness.js';
import { recordingLog, type Said } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

interface Dialled {
  readonly connection: Connection;
  readonly said: Said[];
}

function dial(settings: NatsSettings): Dialled {
  const said: Said[] = [];
  const connection = new Connection({
    settings,
    clock: new SystemClock(),
    random: () => 0.5,
    log: recordingLog(said),
    onState: () => undefined,
  });
  cleanup(() => connection.close());
  connection.start();
  return { connection, said };
}

const SECRET = 'hush-hush-token';
const AUTH = { kind: 'token', token: SECRET } as const;
const isUp = ({ connection }: Dialled): boolean => connection.connected;
const asTls = (url: string): string => url.replace('nats://', 'tls://');

interface Listener {
  /** Host and port. */
  readonly address: string;
  /** All that clients have sent, of all connections; of those with TLS what was inside. */
  readonly heard: () => string;
  readonly connections: () => number;
  /** Ends it, and those connected to it. */
  stop(): void;
}

/** Speaks as a nats-server does, and keeps what it hears. With `keys`: over TLS. */
async function listener(info: object, keys?: Certificates['server']): Promise<Listener> {
  let heard = '';
  let connections = 0;
  const ends = new Set<() => void>();
  const server = createServer((socket) => {
    connections += 1;
    ends.add(() => socket.destroy());
    socket.on('error', () => undefined);
    const greeting = {
      server_id: 'x',
      version: '2.9.0',
      proto: 1,
      max_payload: 1_048_576,
      headers: true,
      ...info,
    };
    socket.write(`INFO ${JSON.stringify(greeting)}\r\n`);
    const inside =
      keys === undefined
        ? socket
        : new TLSSocket(socket, {
            isServer: true,
            cert: readFileSync(keys.certFile),
            key: readFileSync(keys.keyFile),
          });
    inside.on('error', () => undefined);
    inside.on('data', (data: Buffer) => {
      heard += data.toString('latin1');
      if (data.includes('PING')) inside.write('PONG\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    server.close();
    for (const end of ends) end();
  };
  cleanup(stop);
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${String(port)}`,
    heard: () => heard,
    connections: () => connections,
    stop,
  };
}

describe('tls:// without a group tls', () => {
  it('is not connected to a nats-server that offers no TLS, and says so', async () => {
    const nats = await startNats({ args: ['--auth', SECRET] });
    const dialled = dial({ servers: [asTls(nats.url)], auth: AUTH });
    await until(() => dialled.said.length > 0, 'refused');
    expect(dialled.said[0]?.message).toBe(
      `NATS at ${asTls(nats.url)} does not offer TLS, on which tls:// insists: ` +
        'switch TLS on there, or write nats:// if nobody can listen in; trying again',
    );
    expect(isUp(dialled)).toBe(false);
  });

  it.each(['tls://', 'TLS://'])('sends nothing to such a server: %s', async (scheme) => {
    const plain = await listener({});
    const dialled = dial({ servers: [`${scheme}${plain.address}`], auth: AUTH });
    // The second connection is the client library's, the third a second try.
    await until(() => plain.connections() >= 3, 'tried twice');
    expect(plain.heard()).toBe('');
    expect(isUp(dialled)).toBe(false);
  });

  it('applies to all servers where one of them is written in this way', async () => {
    const plain = await listener({});
    const other = await listener({});
    const dialled = dial({
      servers: [`nats://${plain.address}`, `tls://${other.address}`],
      auth: AUTH,
    });
    await until(() => plain.connections() >= 3 && other.connections() >= 3, 'tried twice');
    expect(plain.heard() + other.heard()).toBe('');
    expect(isUp(dialled)).toBe(false);
  });
});

describe.skipIf(!hasOpenssl())('TLS (skipped where openssl is missing)', () => {
  const tlsServer = ({ server }: Certificates, ...more: string[]) =>
    startNats({
      args: ['--tls', '--tlscert', server.certFile, '--tlskey', server.keyFile, ...more],
    });

  it('trusts the configured authorities, and says what to do about others', async () => {
    const made = makeCertificates(tempDir());
    const { caFile } = made;
    const nats = await tlsServer(made);
    const right = dial({ servers: [nats.url], tls: { caFile } });
    await until(() => isUp(right), 'connected');
    const wrong = dial({ servers: [nats.url] });
    await until(() => wrong.said.length > 0, 'refused');
    expect(wrong.said[0]?.message).toMatch(
      /is not trusted \(.+\): name its authority in nats\.tls\.caFile/,
    );
    const missing = dial({ servers: [nats.url], tls: { caFile: join(tempDir(), 'no.pem') } });
    await until(() => missing.said.length > 0, 'refused');
    expect(missing.said[0]?.message).toContain('a file of nats.tls is missing');
  });

  it('with tls:// works as with a group tls, also where TLS is only offered', async () => {
    const made = makeCertificates(tempDir());
    const nats = await tlsServer(made, '--auth', SECRET);
    const tls = { caFile: made.caFile };
    const right = dial({ servers: [asTls(nats.url)], auth: AUTH, tls });
    await until(() => isUp(right), 'connected');
    const unknown = dial({ servers: [asTls(nats.url)], auth: AUTH });
    await until(() => unknown.said.length > 0, 'refused');
    expect(unknown.said[0]?.message).toContain('is not trusted');
    const offering = await listener({ tls_available: true }, made.server);
    const offered = dial({ servers: [`tls://${offering.address}`], auth: AUTH, tls });
    await until(() => isUp(offered), 'connected over the TLS that is offered');
    expect(offering.heard()).toContain(SECRET);
  });

  it('is required of servers that a cluster has announced, too, and trusts the authorities of the machine', async () => {
    const made = makeCertificates(tempDir());
    const learned = await listener({});
    const first = await listener(
      { tls_required: true, connect_urls: [learned.address] },
      made.server,
    );
    const file = join(tempDir(), 'gateway.yaml');
    const nats = { servers: `tls://${first.address}`, token: SECRET };
    writeFileSync(file, JSON.stringify({ nats, links: [] }));
    const daemon = new Cli(['run', '-c', file], { env: { NODE_EXTRA_CA_CERTS: made.caFile } });
    await daemon.said(/connected to NATS/);
    expect(first.heard()).toContain(SECRET);
    first.stop();
    await until(() => learned.connections() >= 3, 'the learned one to be tried twice');
    expect(learned.heard()).toBe('');
  });

  it('shows its own certificate where the server wants one', async () => {
    const made = makeCertificates(tempDir());
    const nats = await tlsServer(made, '--tlsverify', '--tlscacert', made.caFile);
    const right = dial({ servers: [nats.url], tls: { caFile: made.caFile, ...made.client } });
    await until(() => isUp(right), 'connected');
    const wrong = dial({ servers: [nats.url], tls: { caFile: made.caFile } });
    await until(() => wrong.said.length > 0, 'refused');
    expect(isUp(wrong)).toBe(false);
  });

  it('is required: a server without it is refused', async () => {
    const nats = await startNats();
    const wrong = dial({ servers: [nats.url], tls: {} });
    await until(() => wrong.said.length > 0, 'refused');
    expect(wrong.said[0]?.message).toContain('does not offer TLS, on which nats.tls insists');
  });
});
