/**
 * Finds out which of several NATS servers sends a greeting, before the client library
 * dials it.
 *
 * The library never closes the socket of a dial that it gave up. If a server accepts
 * connections and sends nothing (it hangs, or is not a nats-server), each try would cost a
 * file descriptor. So a socket of our own is tried first: a NATS server sends its greeting
 * at once.
 */
import { createConnection, type Socket } from 'node:net';
import type { Clock } from '../../point/clock.js';

const DEFAULT_PORT = 4222;

/** A server has sent nothing in time. */
export class SilentServerError extends Error {
  override readonly name = 'SilentServerError';
  constructor(
    /** Whether it accepted the connection: then it hangs, or is not a nats-server. */
    readonly isConnected: boolean,
  ) {
    super(isConnected ? 'it takes connections and says nothing' : 'no answer');
  }
}

/** The result for one server. Without `problem`, it has sent a greeting. */
interface ProbedServer {
  readonly server: string;
  readonly problem?: Error;
}

/** Connects to several servers at once, and returns which of them send a greeting. */
export class ServerProbe {
  readonly #ends = new Map<string, () => void>();
  readonly #waiting: Map<string, Promise<ProbedServer>>;

  /** `withinMs`: how long a greeting may take. */
  constructor(
    servers: readonly string[],
    private readonly clock: Clock,
    private readonly withinMs: number,
  ) {
    this.#waiting = new Map(servers.map((server) => [server, this.#probe(server)]));
  }

  /** Resolves to the next server with a result; `undefined`: all servers were returned. */
  async next(): Promise<ProbedServer | undefined> {
    if (this.#waiting.size === 0) return undefined;
    const probed = await Promise.race(this.#waiting.values());
    this.#waiting.delete(probed.server);
    return probed;
  }

  /** Closes all sockets. Idempotent. */
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
        // Later errors of the socket do not matter, but need a listener.
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

/** The error in a greeting, if any: a server with too many clients sends it after the greeting, and closes. */
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
