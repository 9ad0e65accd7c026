import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../point/clock.js';
import type { Log } from '../../../point/log.js';
import type { Service } from '../../services.js';
import { reasonOf } from '../../state/disk.js';
import type { RuntimeDir } from '../../state/runtime-dir.js';
import type { Control } from '../control.js';
import {
  json,
  type StreamAsker,
  type StreamVerb,
  type VerbFace,
  type VerbHandler,
} from '../verbs/verb.js';
import { LARGEST_ANSWER, SOCKET_NAME } from './protocol.js';
import { SocketConnection } from './socket-connection.js';
import { SOCKET_VERBS } from './verbs.js';

const MOST_CONNECTIONS = 32;

/** Answers commands on this machine, by a socket in `runtimeDir`: also while NATS is away. */
export class SocketServer implements Service, VerbFace {
  readonly name = 'socket for commands';
  readonly stopByMs = 4_080;
  readonly #connections = new Set<SocketConnection>();
  #handlers: ReadonlyMap<string, VerbHandler<StreamAsker>> = new Map();
  #server: Server | undefined;
  #ending = false;

  constructor(
    private readonly runtime: RuntimeDir,
    readonly control: Control,
    readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** The gateway runs without it where it cannot be made, which is logged. */
  async start(): Promise<void> {
    const verbs: readonly (readonly [string, StreamVerb])[] = Object.entries(SOCKET_VERBS);
    this.#handlers = new Map(verbs.map(([name, verb]) => [name, verb(this)]));
    try {
      await this.runtime.place(SOCKET_NAME, (path) => this.#listen(path));
    } catch (error) {
      const { path } = this.runtime;
      const reason = reasonOf(error);
      this.log.error(
        { path, reason },
        `runtimeDir ${path} has no socket for commands (${reason}): siot-mcu status does not reach the gateway`,
      );
    }
    if (this.#ending) this.#end();
  }

  prepareStop(): void {
    this.#ending = true;
    this.#end();
  }

  async stop(): Promise<void> {
    this.prepareStop();
    for (const connection of this.#connections) connection.destroy();
    if (this.#server !== undefined) await this.runtime.remove(SOCKET_NAME);
  }

  mostBytes(): number {
    return LARGEST_ANSWER;
  }

  #listen(path: string): Promise<void> {
    const server = createServer((socket) => this.#connected(socket));
    this.#server = server;
    return new Promise((listening, failed) => {
      server.once('error', failed);
      server.listen(path, () => {
        server.off('error', failed);
        server.on('error', (error) => {
          this.log.error({ reason: reasonOf(error) }, 'the socket for commands has failed');
        });
        listening();
      });
    });
  }

  #connected(socket: Socket): void {
    if (this.#connections.size >= MOST_CONNECTIONS) {
      socket.on('error', () => undefined);
      const reason = `${MOST_CONNECTIONS} commands ask the gateway already: end some of them`;
      socket.end(Buffer.concat([json({ state: 'refused', reason }), Buffer.from('\n')]), () =>
        socket.destroy(),
      );
      return;
    }
    const { clock, log } = this;
    const connection = new SocketConnection(socket, { handlers: this.#handlers, clock, log });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  #end(): void {
    this.#server?.close();
    for (const connection of this.#connections) connection.end();
  }
}
