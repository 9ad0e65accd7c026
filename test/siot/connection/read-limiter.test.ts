import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { limitReading, socketOf } from '../../../src/siot/connection/read-limiter.js';
import { SystemClock } from '../../../src/point/clock.js';
import { FakeClock } from '../../support/fake-clock.js';
import type { NatsConnection } from '@nats-io/transport-node';
import { NatsServer } from '../../../src/siot/connection/nats-server.js';
import type { NatsSettings } from '../../../src/siot/connection/nats-settings.js';
import { hasOpenssl, makeCertificates } from '../../support/certificates.js';
import { connectTo, useNats } from '../../support/nats.js';
import { tempDir } from '../../support/temp-dir.js';
import { Connection } from '../../../src/siot/connection/connection.js';
import { SILENT_LOG } from '../../../src/point/log.js';

const nats = useNats();

class Socket extends EventEmitter {
  said: string[] = [];
  pause(): void {
    this.said.push('pause');
  }
  resume(): void {
    this.said.push('resume');
  }
}

function rig() {
  const clock = new FakeClock();
  const socket = new Socket();
  const turns: (() => void)[] = [];
  limitReading(socket, clock, (then) => void turns.push(then));
  return { clock, socket, turns, turn: () => turns.splice(0).forEach((then) => then()) };
}

it('after a read that filled its buffer the others get a turn, and the socket rests as long as the work took', () => {
  const { clock, socket, turn } = rig();
  socket.emit('data', new Uint8Array(65_536));
  expect(socket.said).toEqual(['pause']);
  clock.advance(7);
  turn();
  expect(socket.said).toEqual(['pause']);
  clock.advance(6);
  expect(socket.said).toEqual(['pause']);
  clock.advance(1);
  expect(socket.said).toEqual(['pause', 'resume']);
  socket.emit('data', new Uint8Array(65_536));
  turn();
  expect(socket.said).toEqual(['pause', 'resume', 'pause', 'resume']);
});

it('small pieces are read as they come', () => {
  const { clock, socket, turn } = rig();
  for (let n = 0; n < 100; n++) {
    socket.emit('data', new Uint8Array(1_000));
    turn();
  }
  expect(socket.said).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

it('many pieces in one turn count as one: TLS has records of 16 kB', () => {
  const { clock, socket, turn } = rig();
  for (let n = 0; n < 20; n++) {
    socket.emit('data', new Uint8Array(16_384));
    clock.advance(1);
  }
  expect(socket.said).toEqual(['pause']);
  turn();
  clock.advance(20);
  expect(socket.said).toEqual(['pause', 'resume']);
  socket.emit('data', new Uint8Array(16_384));
  turn();
  expect(socket.said).toEqual(['pause', 'resume']);
});

it('short answers cost no look at the next turn, but are counted where many come in one', () => {
  const { socket, turns } = rig();
  for (let n = 0; n < 10; n++) socket.emit('data', new Uint8Array(6));
  expect(turns).toEqual([]);
  for (let n = 0; n < 700; n++) socket.emit('data', new Uint8Array(100));
  expect(turns).toHaveLength(1);
  expect(socket.said).toEqual(['pause']);
});

it('the socket is found in the client library, so that a flood leaves turns for others', async () => {
  const publisher = await nats.connect();
  expect(socketOf(publisher)).toBeDefined();
  // Without the limiter nearly 2 MB come at once.
  expect(await mostInOneTurn(publisher, { servers: [nats.url] })).toBeLessThanOrEqual(524_288);
});

it.skipIf(!hasOpenssl())(
  'a flood over TLS leaves turns for others, too (skipped where openssl is missing)',
  async () => {
    const { caFile, server } = makeCertificates(tempDir());
    const secret = await NatsServer.start({
      args: ['--tls', '--tlscert', server.certFile, '--tlskey', server.keyFile],
    });
    try {
      const publisher = await connectTo(secret.url, { tls: { caFile } });
      try {
        const settings = { servers: [secret.url], tls: { caFile } };
        expect(await mostInOneTurn(publisher, settings)).toBeLessThanOrEqual(524_288);
      } finally {
        await publisher.close();
      }
    } finally {
      await secret.stop();
    }
  },
);

/** Bytes that a connection works on in one turn of the loop at most, while it is flooded. */
async function mostInOneTurn(publisher: NatsConnection, settings: NatsSettings): Promise<number> {
  const connection = new Connection({
    settings,
    clock: new SystemClock(),
    random: Math.random,
    log: SILENT_LOG,
    onState: () => undefined,
  });
  try {
    connection.start();
    const FLOOD = 256;
    let heard = 0;
    let most = 0;
    let inThisTurn = 0;
    let over = (): void => undefined;
    const ended = new Promise<void>((resolve) => (over = resolve));
    connection.subscribe('flood', ({ data }) => {
      heard += 1;
      inThisTurn += data.length;
      most = Math.max(most, inThisTurn);
      if (heard === FLOOD) over();
    });
    const tick = (): void => {
      inThisTurn = 0;
      if (heard < FLOOD) setImmediate(tick);
    };
    tick();
    while (!connection.connected) await new Promise((then) => setTimeout(then, 5));
    await new Promise<void>((resolve) => connection.barrier(() => resolve()));
    for (let n = 0; n < FLOOD; n++) publisher.publish('flood', new Uint8Array(60_000));
    await ended;
    return most;
  } finally {
    await connection.close();
  }
}
