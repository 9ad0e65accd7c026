/**
 * A real nats-server for a test file, and clients of it. Whatever is started
 * here inside a test or `beforeAll` is stopped when that test or file ends.
 */
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { NatsServer, type NatsServerOptions } from '../../src/siot/connection/nats-server.js';

export interface NatsOfFile {
  /** Such as `nats://127.0.0.1:40123`. Only while tests of the file run. */
  readonly url: string;
  readonly server: NatsServer;
  /** A connection that is closed at the end of the test. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
}

/**
 * Starts a nats-server on a free port before the tests of the file (or of the
 * `describe` around) and stops it after them. Call it outside of tests.
 */
export function useNats(options: NatsServerOptions = {}): NatsOfFile {
  let server: NatsServer | undefined;
  const clients: NatsConnection[] = [];
  beforeAll(async () => {
    server = await NatsServer.start(options);
  });
  afterEach(async () => {
    await closeAll(clients);
  });
  afterAll(async () => {
    await closeAll(clients);
    await server?.stop();
  });
  const started = (): NatsServer => {
    if (server === undefined) throw new Error('the nats-server runs only while tests do');
    return server;
  };
  return {
    get url() {
      return started().url;
    },
    get server() {
      return started();
    },
    connect: async (given) => {
      const client = await connectTo(started().url, given);
      clients.push(client);
      return client;
    },
  };
}

/** A connection that does not come back by itself; whoever opens it closes it. */
export function connectTo(url: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  return connect({ servers: url, reconnect: false, ...options });
}

async function closeAll(clients: NatsConnection[]): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.close()));
}
