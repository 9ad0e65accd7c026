import { once } from 'node:events';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { SystemClock } from '../../src/point/clock.js';
import { HIGH_WATER_BYTES } from '../../src/transport/socket-channel.js';
import { CONNECT_TIMEOUT_MS, TcpTransport } from '../../src/transport/tcp.js';
import type { ByteChannel } from '../../src/transport/transport.js';
import { FakeClock } from '../support/fake-clock.js';
import { Recorder } from './recorder.js';

const clock = new SystemClock();
const HOST = '127.0.0.1';
let server: Server | undefined;
const sockets: Socket[] = [];
const channels: ByteChannel[] = [];

async function listen(options: { pauseOnConnect?: boolean } = {}): Promise<number> {
  server = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A channel, and the device's end of it. */
async function connected(options: { pauseOnConnect?: boolean } = {}) {
  const port = await listen(options);
  const events = new Recorder();
  const arrived = once(server!, 'connection');
  const channel = await new TcpTransport({ host: HOST, port }, clock).open(events);
  channels.push(channel);
  await arrived;
  return { channel, events, device: sockets[0]! };
}

/** Collects what the device is sent, until there are `count` bytes. */
async function receive(device: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of device.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= count) break;
  }
  return Buffer.concat(chunks);
}

afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  const ending = server;
  server = undefined;
  if (ending?.listening === true) await new Promise((resolve) => ending.close(resolve));
});

const allBytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

describe('bytes', () => {
  test('every byte value passes both ways unchanged', async () => {
    const { channel, events, device } = await connected();
    channel.write(allBytes);
    expect(await receive(device, allBytes.length)).toEqual(allBytes);
    device.write(allBytes);
    await events.until((e) => e.bytes === allBytes.length);
    expect(events.received).toEqual(allBytes);
  });

  test('1 MiB both ways at once in small chunks', async () => {
    const { channel, events, device } = await connected();
    const much = Buffer.alloc(1024 * 1024, allBytes);
    const writeAll = async (): Promise<void> => {
      for (let at = 0; at < much.length; at += 61) {
        const { drains } = events;
        if (!channel.write(much.subarray(at, at + 61)))
          await events.until((e) => e.drains > drains);
      }
    };
    device.write(much);
    const [received] = await Promise.all([
      receive(device, much.length),
      writeAll(),
      events.until((e) => e.bytes === much.length),
    ]);
    expect(received.equals(much)).toBe(true);
    expect(events.received.equals(much)).toBe(true);
  });

  test('what is written in one turn goes to the system at once, in one call', async () => {
    const { channel, device } = await connected();
    const calls = [vi.spyOn(Socket.prototype, '_writev'), vi.spyOn(Socket.prototype, '_write')];
    for (let i = 0; i < 100; i++) channel.write(allBytes.subarray(i, i + 7));
    const received = await receive(device, 700);
    const made = calls.map((call) => call.mock.calls.length);
    for (const call of calls) call.mockRestore();
    expect(made).toEqual([1, 0]);
    for (let i = 0; i < 100; i++) {
      expect(received.subarray(i * 7, i * 7 + 7)).toEqual(allBytes.subarray(i, i + 7));
    }
  });

  test('what is collected in one turn is no queue: none of it is refused', async () => {
    const { channel, events, device } = await connected();
    const receiving = receive(device, 20_000);
    const taken = Array.from({ length: 2_000 }, () => channel.write(allBytes.subarray(0, 10)));
    expect(taken).not.toContain(false);
    expect(await receiving).toHaveLength(20_000);
    expect(events.drains).toBe(0);
  });

  test('what was written just before close() still arrives', async () => {
    const { channel, events, device } = await connected();
    channel.write(Buffer.from('last words'));
    const [received] = await Promise.all([receive(device, 10), channel.close()]);
    expect(received.toString()).toBe('last words');
    expect(events.endings).toEqual([undefined]);
  });
});

test('a device that does not read does not block, and does not keep the channel open', async () => {
  const { channel, events, device } = await connected({ pauseOnConnect: true });
  const chunk = Buffer.alloc(1000);
  let written = 0;
  do written += chunk.length;
  while (channel.write(chunk) && written < 100_000_000);
  expect(written).toBeLessThan(100_000_000);
  expect(channel.queued).toBeGreaterThan(0);
  expect(channel.queued).toBeLessThanOrEqual(HIGH_WATER_BYTES + chunk.length);
  await channel.close();
  expect(events.endings).toEqual([undefined]);
  expect(events.drains).toBe(0);
  expect(channel.queued).toBe(0);
  device.destroy();
});

test('drains once a slow device reads on', async () => {
  const { channel, events, device } = await connected({ pauseOnConnect: true });
  while (channel.write(Buffer.alloc(1000)));
  device.resume();
  await events.until((e) => e.drains === 1);
  expect(channel.queued).toBe(0);
});

describe('the end', () => {
  test('the other side closes', async () => {
    const { channel, events, device } = await connected();
    device.end();
    await events.until((e) => e.endings.length > 0);
    expect(events.endings).toHaveLength(1);
    expect(events.endings[0]).toMatchObject({ name: 'TransportError', reason: 'hangup' });
    expect(channel.write(Buffer.from('x'))).toBe(false);
    await channel.close();
    expect(events.endings).toHaveLength(1);
  });

  test('the other side resets the connection', async () => {
    const { events, device } = await connected();
    device.resetAndDestroy();
    await events.until((e) => e.endings.length > 0);
    expect(events.endings[0]?.reason).toBe('hangup');
  });

  test('can be opened again at once', async () => {
    const { events, device } = await connected();
    device.end();
    await events.until((e) => e.endings.length > 0);
    const again = new Recorder();
    const { port } = server!.address() as AddressInfo;
    const transport = new TcpTransport({ host: HOST, port }, clock);
    channels.push(await transport.open(again));
    await channels.at(-1)?.close();
    expect(again.endings).toEqual([undefined]);
  });
});

describe('cannot be connected', () => {
  test('nobody listens', async () => {
    const port = await listen();
    await new Promise((resolve) => server!.close(resolve));
    const opening = new TcpTransport({ host: HOST, port }, clock).open(new Recorder());
    await expect(opening).rejects.toMatchObject({
      name: 'TransportError',
      reason: 'refused',
      message: expect.stringContaining(`${HOST}:${port}`) as string,
    });
  });

  test('no such host', async () => {
    // Longer than a label of a name may be: refused without asking any name server.
    const host = `${'n'.repeat(64)}.invalid`;
    const opening = new TcpTransport({ host, port: 1 }, clock).open(new Recorder());
    await expect(opening).rejects.toMatchObject({ reason: 'notFound' });
  });

  test('no answer within ten seconds', async () => {
    const port = await listen();
    const fake = new FakeClock();
    const opening = new TcpTransport({ host: HOST, port }, fake).open(new Recorder());
    fake.advance(CONNECT_TIMEOUT_MS);
    await expect(opening).rejects.toMatchObject({ reason: 'unreachable' });
    expect(fake.pendingTimers).toBe(0);
  });
});

test('is described for people', () => {
  expect(new TcpTransport({ host: '192.0.2.10', port: 3333 }, clock).description).toBe(
    'tcp 192.0.2.10:3333',
  );
  expect(new TcpTransport({ host: '2001:db8::1', port: 3333 }, clock).description).toBe(
    'tcp [2001:db8::1]:3333',
  );
});

test('an observer sees the bytes both ways, and nothing is told while nobody observes', async () => {
  const { channel, events, device } = await connected();
  const told: string[] = [];
  const tap = {
    isObserved: false,
    bytes: (direction: string, bytes: Uint8Array) =>
      void told.push(`${direction} ${Buffer.from(bytes).toString()}`),
    frame: () => undefined,
  };
  events.tap = tap;
  channel.write(Buffer.from('one'));
  expect((await receive(device, 3)).toString()).toBe('one');
  device.write('two');
  await events.until(({ bytes }) => bytes === 3);
  expect(told).toEqual([]);
  tap.isObserved = true;
  channel.write(Buffer.from('three'));
  await receive(device, 5);
  device.write('four');
  await events.until(({ bytes }) => bytes === 7);
  expect(told).toEqual(['down three', 'up four']);
});
