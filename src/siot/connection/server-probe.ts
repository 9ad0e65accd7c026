/**
 * Which of several NATS servers speaks, found out before the client library
 * dials it.
 *
 * The library never closes the socket of a dial that it gave up: with a server
 * that takes connections and says nothing (a hung one, or something else than
 * NATS) each try costs a descriptor. So sockets of our own try first; a NATS
 * server speaks as soon as it is connected to.
 */
import { createConnection, type Socket } from 'node:net';
import type { Clock } from '../../point/clock.js';

const DEFAULT_PORT = 4222;

/** Nothing was heard of a server in time. */
export class SilentServerError extends Error {
  override readonly name = 'SilentServerError';
  constructor(
    /** It took the connection: it hangs, or is something else than NATS. */
    readonly isConnected: boolean,
  ) {
    super(isConnected ? 'it takes connections and says nothing' : 'no answer');
  }
}

/** What became of one server: it spoke, or why not. */
interface ProbedServer {
  readonly server: string;
  readonly problem?: Error;
}

export class ServerProbe {
  readonly #ends = new Map<string, () => void>();
  readonly #waiting: Map<string, Promise<ProbedServer>>;

  /** Connects to all of them at once. */
  constructor(
    servers: readonly string[],
    private readonly clock: Clock,
    private readonly withinMs: number,
  ) {
    this.#waiting = new Map(servers.map((server) => [server, this.#probe(server)]));
  }

  /** The next one of which something has become; `undefined`: that was the last. */
  async next(): Promise<ProbedServer | undefined> {
    if (this.#waiting.size === 0) return undefined;
    const probed = await Promise.race(this.#waiting.values());
    this.#waiting.delete(probed.server);
    return probed;
  }

  /** Waits for none any more. Idempotent. */
  stop(): void {
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }

  #probe(server: string): Promise<ProbedServer> {
    return new Promise((resolve) => {
      let socket: Socket | undefined;
      const end = (problem?: Error): void => {
        this.#ends.delete(server);
        timer.cancel();
        socket?.removeAllListeners();
        // What it has to say to this is no longer of interest.
        socket?.on('error', () => undefined);
        socket?.destroy();
        resolve(problem === undefined ? { server } : { server, problem });
      };
      const timer = this.clock.setTimer(this.withinMs, () => {
        end(new SilentServerError(socket?.connecting === false));
      });
      this.#ends.set(server, () => end(new SilentServerError(false)));
      try {
        socket = createConnection(addressOf(server));
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      socket.once('data', (data) => end(refusalIn(data)));
      socket.once('error', (error) => end(error));
      socket.once('close', () => end(new Error('the server closed the connection')));
    });
  }
}

/** A server that has no room says so behind its greeting, and closes. */
function refusalIn(greeting: Buffer): Error | undefined {
  const refusal = /\r\n-ERR '([^']*)'/.exec(greeting.toString('latin1'))?.[1];
  return refusal === undefined ? undefined : new Error(refusal);
}

function addressOf(server: string): { host: string; port: number } {
  const { hostname, port } = new URL(server.includes('://') ? server : `nats://${server}`);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? DEFAULT_PORT : Number(port),
  };
}
