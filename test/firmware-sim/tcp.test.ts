import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseTcpAddress, TcpAddressError, TcpPipe } from '../../firmware-sim/tcp.js';

const pipes: TcpPipe[] = [];
const sockets: Socket[] = [];

async function listen(): Promise<TcpPipe> {
  const pipe = await TcpPipe.open({ host: '127.0.0.1', port: 0 });
  pipes.push(pipe);
  return pipe;
}

async function join(pipe: TcpPipe): Promise<Socket> {
  const accepted = new Promise<void>((resolve) => {
    pipe.onPeer = (present) => {
      if (present) resolve();
    };
  });
  const socket = connect(pipe.address);
  socket.on('error', () => undefined);
  sockets.push(socket);
  await Promise.all([once(socket, 'connect'), accepted]);
  return socket;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const pipe of pipes.splice(0)) await pipe.close();
});

describe('TcpPipe', () => {
  it('disconnects its client, which may connect again', async () => {
    const pipe = await listen();
    const first = await join(pipe);
    const closed = once(first, 'close');
    pipe.hangUp();
    await closed;
    const second = await join(pipe);
    const came = once(second, 'data');
    pipe.write(Uint8Array.of(9));
    expect([...((await came)[0] as Buffer)]).toEqual([9]);
  });

  it('moves bytes both ways', async () => {
    const pipe = await listen();
    expect(pipe.address.port).toBeGreaterThan(0);
    pipe.write(Uint8Array.of(1));
    expect(pipe.dropped).toBe(1);
    const socket = await join(pipe);
    const up = new Promise<number[]>((resolve) => {
      pipe.onData = (bytes) => {
        resolve([...bytes]);
      };
    });
    socket.write(Uint8Array.of(0, 255));
    expect(await up).toEqual([0, 255]);
    const down = once(socket, 'data') as Promise<[Buffer]>;
    pipe.write(Uint8Array.of(3, 0));
    expect([...(await down)[0]]).toEqual([3, 0]);
  });

  it('the newest client wins', async () => {
    const pipe = await listen();
    const first = await join(pipe);
    const ended = once(first, 'close');
    first.resume();
    const second = await join(pipe);
    await ended;
    const down = once(second, 'data') as Promise<[Buffer]>;
    pipe.write(Uint8Array.of(9));
    expect([...(await down)[0]]).toEqual([9]);
  });

  it('says when the client leaves', async () => {
    const pipe = await listen();
    const socket = await join(pipe);
    const left = new Promise<boolean>((resolve) => {
      pipe.onPeer = resolve;
    });
    socket.destroy();
    expect(await left).toBe(false);
    pipe.write(Uint8Array.of(1));
    expect(pipe.dropped).toBe(1);
  });

  it('does not queue without limit for a client that does not read', async () => {
    const pipe = await listen();
    const socket = await join(pipe);
    socket.pause();
    const block = new Uint8Array(65_536);
    for (let i = 0; i < 500; i += 1) pipe.write(block);
    expect(pipe.dropped).toBeGreaterThan(1_000_000);
  });

  it('says what is wrong with an address', async () => {
    expect(parseTcpAddress('localhost:3333')).toEqual({ host: 'localhost', port: 3333 });
    expect(parseTcpAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
    for (const bad of ['3333', ':3333', 'host', 'host:70000', '::1:5', 'host:-1']) {
      expect(() => parseTcpAddress(bad)).toThrow(TcpAddressError);
    }
    const taken = await listen();
    await expect(TcpPipe.open(taken.address)).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+/);
  });
});
