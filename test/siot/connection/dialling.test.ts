import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { Connection, type ConnectionOptions } from '../../../src/siot/connection/connection.js';
import { NatsServer } from '../../../src/siot/connection/nats-server.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startCluster } from '../../support/nats-cluster.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { cleanup, startNats, warnings } from '../harness.js';
import { recordingLog, type Said } from '../../support/recording-log.js';
import { until } from '../../support/until.js';
import { SLOWNESS } from '../../support/slowness.js';

interface Dialled {
  readonly connection: Connection;
  readonly said: Said[];
}

function dial(servers: readonly string[], given: Partial<ConnectionOptions> = {}): Dialled {
  const said: Said[] = [];
  const connection = new Connection({
    settings: { servers },
    clock: new SystemClock(),
    random: () => 0.5,
    log: recordingLog(said),
    onState: () => undefined,
    ...given,
  });
  cleanup(() => connection.close());
  connection.start();
  return { connection, said };
}

const barrier = ({ connection }: Dialled): Promise<boolean> =>
  new Promise((resolve) => connection.barrier(resolve));

/** The first that a server does not answer: the signal takes a moment to stop it. */
async function unanswered(dialled: Dialled): Promise<boolean> {
  while (await barrier(dialled));
  return false;
}

/** Speaks as far as to be connected to, says something every 10 ms, and answers no further question. */
async function chattingServer(): Promise<string> {
  const server = createServer((socket) => {
    const info = {
      server_id: 'x',
      version: '2.9.0',
      proto: 1,
      max_payload: 1_048_576,
      headers: true,
    };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('error', () => undefined);
    let isGreeted = false;
    const chat = setInterval(() => {
      if (isGreeted) socket.write('MSG a 1 0\r\n\r\n');
    }, 10);
    socket.once('close', () => clearInterval(chat));
    socket.on('data', (data) => {
      if (!isGreeted && data.includes('PING')) socket.write('PONG\r\n');
      isGreeted ||= data.includes('PING');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(() => {
    server.close();
  });
  const address = server.address();
  return `nats://127.0.0.1:${String(typeof address === 'object' ? (address?.port ?? 0) : 0)}`;
}

/** Takes connections and never says a word. */
async function silentServer(): Promise<{ url: string; open: Set<Socket>; taken: () => number }> {
  const open = new Set<Socket>();
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { url: `nats://127.0.0.1:${String(port)}`, open, taken: () => taken };
}

describe('a server that takes connections and never speaks', () => {
  it('costs no descriptor, is named as what it is, and is left for one that speaks', async () => {
    const silent = await silentServer();
    const clock = new FakeClock();
    const { connection, said } = dial([silent.url], { clock });
    for (let tries = 1; tries <= 6; tries++) {
      await until(() => silent.taken() === tries, `try ${String(tries)}`);
      clock.advance(4_000);
      await until(() => silent.open.size === 0, 'its socket to be closed');
      clock.advance(clock.nextTimerMs ?? 0);
    }
    expect(warnings({ said })).toEqual([
      `${silent.url} takes connections and says nothing: it hangs, or is no nats-server; trying again`,
    ]);
    await connection.close();
    await until(() => silent.open.size === 0, 'the last to be closed');

    const nats = await startNats();
    const other = dial([silent.url, nats.url]);
    const startedMs = performance.now();
    await until(() => other.connection.connected, 'connected to the other');
    expect(performance.now() - startedMs).toBeLessThan(3_000 * SLOWNESS);
    await until(() => silent.open.size === 0, 'nothing to be left open');
  });
});

describe('a server that is not reached', () => {
  it('since its name is not known is reported, and found once the name is known', async () => {
    const nats = await startNats();
    const { default: dns } = await import('node:dns');
    const known = dns.lookup;
    const name = 'nats.nowhere.invalid';
    let isKnown = false;
    const lookup = (host: string, options: unknown, done: (...args: unknown[]) => void): void => {
      if (host !== name) {
        (known as (...args: unknown[]) => void)(host, options, done);
        return;
      }
      const missing = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), {
        code: 'ENOTFOUND',
      });
      setImmediate(() => {
        if (isKnown) done(null, [{ address: '127.0.0.1', family: 4 }]);
        else done(missing);
      });
    };
    dns.lookup = lookup as typeof dns.lookup;
    cleanup(() => {
      dns.lookup = known;
    });
    const { connection, said } = dial([`nats://${name}:${String(nats.port)}`]);
    await until(() => said.length > 0, 'said');
    expect(said[0]?.message).toContain('is not known: check nats.servers and the DNS');
    isKnown = true;
    await until(() => connection.connected, 'connected');
  });

  it('since it drops all packets is waited for 4 s, while another answers at once', async () => {
    // TEST-NET-1 (RFC 5737) has nobody; where the machine has no route it is refused at once.
    const hole = 'nats://192.0.2.1:4222';
    const clock = new FakeClock();
    const lost = dial([hole], { clock });
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(4_000);
    await until(() => lost.said.length > 0, 'said');
    expect(lost.said[0]?.message).toMatch(/no answer from|no route to/);
    const nats = await startNats();
    const found = dial([hole, nats.url]);
    await until(() => found.connection.connected, 'connected', 3_000);
  });
});

describe('a cluster', () => {
  it('is one server: when one dies another is taken, also one that nobody configured', async () => {
    const cluster = await startCluster(3);
    cleanup(() => cluster.stop());
    const [first, second, third] = cluster.servers;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three');
    const ours = dial([first.url]);
    await until(() => ours.connection.connected, 'connected');
    const server = (): string => {
      const said = ours.said.findLast(({ message }) => message === 'connected to NATS');
      return String((said?.fields as { server?: string } | undefined)?.server);
    };
    expect(first.url).toContain(server());
    await first.stop('SIGKILL');
    await until(() => !ours.connection.connected, 'lost');
    await until(() => ours.connection.connected, 'connected to another');
    const now = [second, third].find(({ url }) => url.endsWith(server()));
    expect(now).toBeDefined();
    await now?.stop('SIGKILL');
    await until(() => !ours.connection.connected, 'lost again');
    await until(() => ours.connection.connected, 'connected to the last');
    const last = now === second ? third : second;
    expect(last.url).toContain(server());
  });
});

describe('a request that was not answered', () => {
  it('fails for whoever waits when a frozen server is left', async () => {
    const nats = await startNats();
    const dialled = dial([nats.url], { pingEveryMs: 50, pongWithinMs: 300 });
    await until(() => dialled.connection.connected, 'connected');
    nats.signal('SIGSTOP');
    cleanup(() => nats.signal('SIGCONT'));
    expect(await unanswered(dialled)).toBe(false);
    expect(dialled.connection.connected).toBe(false);
  });

  it('fails when the server is killed', async () => {
    const nats = await NatsServer.start();
    cleanup(() => nats.stop());
    const dialled = dial([nats.url]);
    await until(() => dialled.connection.connected, 'connected');
    nats.signal('SIGSTOP');
    const waiting = unanswered(dialled);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await nats.stop('SIGKILL');
    expect(await waiting).toBe(false);
  });

  it('in time may still get its answer later, if that is wanted', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const ours = dial([nats.url], { clock });
    const other = dial([nats.url]);
    const replies: string[] = [];
    other.connection.subscribe('slow', ({ reply }) => void replies.push(reply));
    await until(() => ours.connection.connected && other.connection.connected, 'connected');
    await barrier(other);
    const late: unknown[] = [];
    const asked = ours.connection.request('slow', new Uint8Array(0), 100, (answer) =>
      late.push(answer),
    );
    await until(() => replies.length === 1, 'asked');
    clock.advance(100);
    expect(await asked).toBe('timeout');
    other.connection.publish(replies[0] ?? '', Buffer.from('at last'));
    await until(() => late.length === 1, 'heard');
    expect(Buffer.from(late[0] as Uint8Array).toString()).toBe('at last');
  });
});

describe('a server that sends something, but does not answer pings', () => {
  it('is waited for six times as long as a silent one, and then left', async () => {
    const url = await chattingServer();
    const { connection, said } = dial([url], { pingEveryMs: 100, pongWithinMs: 100 });
    await until(() => connection.connected, 'connected');
    const fromMs = performance.now();
    await until(() => !connection.connected, 'left');
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(690);
    expect(warnings({ said }).join()).toContain('no sign of life');
  });
});

describe('a connection that does not last', () => {
  it('is dialled again with growing pauses', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const proxy = await TcpProxy.start({ port: nats.port });
    cleanup(() => proxy.stop());
    const { connection } = dial([proxy.url], { clock });
    const pauses: number[] = [];
    for (let n = 0; n < 4; n++) {
      await until(() => connection.connected, 'connected');
      proxy.cut();
      await until(() => !connection.connected, 'closed');
      pauses.push(clock.nextTimerMs ?? 0);
      clock.advance(clock.nextTimerMs ?? 0);
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[3]).toBeGreaterThan((pauses[0] ?? 0) * 4);
    // One that has lasted for a while is another matter.
    await until(() => connection.connected, 'connected');
    clock.advance(1_000);
    proxy.cut();
    await until(() => !connection.connected, 'closed');
    expect(clock.nextTimerMs).toBe(pauses[0]);
  });
});
