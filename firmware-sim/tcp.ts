import { createServer, type Server, type Socket } from 'node:net';
import type { BytePipe } from './pipe.js';

/** A text is no address. For people. */
export class TcpAddressError extends Error {
  override readonly name = 'TcpAddressError';
}

/** Listening on an address failed. For people. */
export class TcpError extends Error {
  override readonly name = 'TcpError';
}

/** An address to listen on. */
export interface TcpAddress {
  /** Name or IP address. */
  readonly host: string;
  /** 0 … 65535; 0: a free port. */
  readonly port: number;
}

/** `HOST:PORT` or `[IPV6]:PORT`. Throws {@link TcpAddressError}. */
export function parseTcpAddress(text: string): TcpAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw new TcpAddressError(
      `"${text}" is no address; give HOST:PORT such as 127.0.0.1:3333, with port 0 for a free one`,
    );
  }
  return { host, port };
}

/** Most bytes that wait for a client that does not read; more are lost, as on a UART. */
const MOST_QUEUED_BYTES = 65_536;

/**
 * Listens like a serial device server, for one client at a time. A new client
 * replaces the one before: a gateway that has lost its connection must not be
 * refused because the old one still looks alive.
 */
export class TcpPipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  /** Bytes that were lost: there was no client, or it did not read. */
  dropped = 0;
  readonly #server: Server;
  #client: Socket | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#accept(socket);
    });
  }

  /** Rejects with {@link TcpError}. */
  static open(address: TcpAddress): Promise<TcpPipe> {
    const server = createServer();
    const pipe = new TcpPipe(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        const where = `${address.host}:${String(address.port)}`;
        reject(new TcpError(`cannot listen on ${where}: ${error.message}`, { cause: error }));
      });
      server.listen(address.port, address.host, () => {
        resolve(pipe);
      });
    });
  }

  /** The address that it listens on, with the real port instead of 0. */
  get address(): TcpAddress {
    const at = this.#server.address();
    if (at === null || typeof at === 'string') return { host: '', port: 0 };
    return { host: at.address, port: at.port };
  }

  write(bytes: Uint8Array): void {
    if (this.#client === undefined || this.#client.writableLength > MOST_QUEUED_BYTES) {
      this.dropped += bytes.length;
      return;
    }
    this.#client.write(bytes);
  }

  /** Closes the connection of the client, which may connect again. */
  hangUp(): void {
    this.#leave(this.#client);
  }

  async close(): Promise<void> {
    this.#leave(this.#client);
    this.onPeer = undefined;
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    this.#leave(this.#client);
    this.#client = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      if (this.#client === socket) this.onData?.(bytes);
    });
    // `close` follows each error.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#leave(socket);
    });
    this.onPeer?.(true);
  }

  #leave(socket: Socket | undefined): void {
    socket?.destroy();
    if (socket === undefined || this.#client !== socket) return;
    this.#client = undefined;
    this.onPeer?.(false);
  }
}
