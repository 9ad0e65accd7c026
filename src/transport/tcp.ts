import { connect, isIPv6 } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import type { Clock } from '../point/clock.js';
import { HIGH_WATER_BYTES, SocketChannel, SocketInbox } from './socket-channel.js';
import type { TcpOptions } from './tcp-options.js';
import { TransportError } from './transport.js';
import type { ByteChannel, ByteTransport, ChannelEvents, TransportReason } from './transport.js';

/** ms, with the lookup of the name. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** ms of silence after which TCP keep-alive begins. */
const KEEP_ALIVE_MS = 10_000;

/** The bytes of a serial port over TCP, from ser2net or the like. */
export class TcpTransport implements ByteTransport {
  readonly unit = 'bytes';
  readonly description: string;
  /** The rate of the serial port behind it is not known. */
  readonly mayEcho = { byteMs: 0 };
  readonly #options: TcpOptions;
  readonly #clock: Clock;
  readonly #target: string;

  constructor(options: TcpOptions, clock: Clock) {
    const host = isIPv6(options.host) ? `[${options.host}]` : options.host;
    this.#target = `${host}:${options.port}`;
    this.description = `tcp ${this.#target}`;
    this.#options = options;
    this.#clock = clock;
  }

  async open(events: ChannelEvents<Uint8Array>): Promise<ByteChannel> {
    const inbox = new SocketInbox();
    const socket = connect({
      host: this.#options.host,
      port: this.#options.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      onread: inbox.onread,
      highWaterMark: HIGH_WATER_BYTES,
    } as TcpNetConnectOpts);
    // Nothing is read before there is a SocketChannel, which resumes it.
    socket.pause();
    await this.#connected(socket);
    return new SocketChannel({
      socket,
      inbox,
      events,
      clock: this.#clock,
      warnings: [],
      explain: (error) => this.#explainEnd(error),
      release: () => Promise.resolve(),
    });
  }

  /** Rejects with a TransportError; the socket is then destroyed. */
  #connected(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(CONNECT_TIMEOUT_MS, () => {
        socket.destroy();
        const message = `${this.#target} did not answer within ${CONNECT_TIMEOUT_MS / 1000} s: is the host on, and does a firewall let it through?`;
        reject(new TransportError('unreachable', message));
      });
      const failed = (error: Error): void => {
        timer.cancel();
        reject(this.#explainConnect(error));
      };
      socket.once('error', failed);
      socket.once('connect', () => {
        timer.cancel();
        socket.off('error', failed);
        resolve();
      });
    });
  }

  #explainConnect(error: Error): TransportError {
    const { reason, message } = this.#connectFailure((error as NodeJS.ErrnoException).code, error);
    return new TransportError(reason, message, { cause: error });
  }

  #connectFailure(
    code: string | undefined,
    error: Error,
  ): { reason: TransportReason; message: string } {
    const target = this.#target;
    switch (code) {
      case 'ECONNREFUSED': {
        const message = `${target} refused the connection: is the program there running, and is the port right?`;
        return { reason: 'refused', message };
      }
      case 'ENOTFOUND':
        return { reason: 'notFound', message: `no host is called ${this.#options.host}` };
      case 'EAI_AGAIN': {
        const message = `the name server does not answer for ${this.#options.host}: is there a network?`;
        return { reason: 'notFound', message };
      }
      case 'EHOSTUNREACH':
      case 'ENETUNREACH':
      case 'EADDRNOTAVAIL':
      case 'ETIMEDOUT':
        return {
          reason: 'unreachable',
          message: `${target} cannot be reached: is it on the network?`,
        };
      case 'EACCES':
      case 'EPERM':
        return {
          reason: 'permission',
          message: `${target}: a firewall of this machine forbids it`,
        };
      default:
        return { reason: 'io', message: `${target} cannot be connected to: ${error.message}` };
    }
  }

  /** `error` undefined: the other side has closed the connection. */
  #explainEnd(error: Error | undefined): TransportError {
    const detail =
      error === undefined ? 'the other side closed the connection' : `it broke (${error.message})`;
    return new TransportError('hangup', `${this.#target} hung up: ${detail}`, { cause: error });
  }
}
