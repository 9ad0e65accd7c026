/** A line to a server that a test makes slow, cuts, or stops. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface ProxyOptions {
  /** Of the server behind. */
  readonly port: number;
  /** See {@link TcpProxy.latencyMs}; 0 by default. */
  readonly latencyMs?: number;
  /** Each way and connection; none: as fast as it goes. */
  readonly bytesPerS?: number;
}

export class TcpProxy {
  /** Bytes that went towards the server. */
  bytesUp = 0;
  /** New connections are closed at once. */
  refuses = false;
  /** One way, in ms. A shorter one would let what comes later overtake what is under way. */
  latencyMs: number;
  #deaf = false;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(
    private readonly server: Server,
    private readonly options: ProxyOptions,
  ) {
    this.latencyMs = options.latencyMs ?? 0;
    server.on('connection', (client: Socket) => this.#join(client));
  }

  static async start(options: ProxyOptions): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: true });
    const proxy = new TcpProxy(server, options);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    return `nats://127.0.0.1:${String(port)}`;
  }

  /** All connections are gone at once; new ones are taken. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  /** Nothing more is read from the server, or all again: as if the client had no time. */
  deafen(deaf: boolean): void {
    this.#deaf = deaf;
    for (const [, server] of this.#pairs) {
      if (deaf) server.pause();
      else server.resume();
    }
  }

  async stop(): Promise<void> {
    this.server.close();
    this.cut();
    if (this.server.listening) await once(this.server, 'close');
  }

  #join(client: Socket): void {
    if (this.refuses) {
      client.destroy();
      return;
    }
    const server = connect(this.options.port, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    this.#carry(client, server, true);
    this.#carry(server, client, false);
  }

  // Reads no more than the line carries: what waits stays with the sender.
  #carry(from: Socket, to: Socket, isUp: boolean): void {
    const { bytesPerS } = this.options;
    from.on('data', (chunk: Buffer) => {
      if (isUp) this.bytesUp += chunk.length;
      const onLineMs = bytesPerS === undefined ? 0 : (chunk.length / bytesPerS) * 1_000;
      if (onLineMs > 0) {
        from.pause();
        setTimeout(() => (isUp || !this.#deaf ? from.resume() : undefined), onLineMs);
      }
      const arriveMs = onLineMs + this.latencyMs;
      if (arriveMs === 0) to.write(chunk);
      else setTimeout(() => to.destroyed || to.write(chunk), arriveMs);
    });
    from.resume();
  }
}
