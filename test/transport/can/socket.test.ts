/** The socket and its reading thread, with a pair of sockets of the kernel in place of the bus. */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { CanFrame } from '../../../src/transport/frame.js';
import { openCanSocket, type CanEnd, type CanSocket } from '../../../src/transport/can/socket.js';
import { encodeCanFrame } from '../../../src/transport/can/wire.js';
import { LibcError, loadLibc, type Libc } from '../../../src/linux/libc.js';
import { until } from '../../support/until.js';

const SOL_CAN_RAW = 101;
const SOL_SOCKET = 1;
const SO_MEMINFO = 55;
const [AF_UNIX, SOCK_SEQPACKET_NONBLOCK] = [1, 5 | 0o4000];
const [EAGAIN, ENETDOWN, ENODEV, ENOBUFS, EIO, ENOPROTOOPT] = [11, 100, 19, 105, 5, 92];

const libc = loadLibc();
beforeEach((context) => context.skip(libc === undefined, 'koffi is not there'));

function socketPair(): [number, number] {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const call = koffi
    .load(null)
    .func('int socketpair(int domain, int type, int protocol, void *fds)');
  const fds = new Int32Array(2);
  expect(call(AF_UNIX, SOCK_SEQPACKET_NONBLOCK, 0, fds)).toBe(0);
  return [fds[0] ?? 0, fds[1] ?? 0];
}

interface Rig {
  readonly socket: CanSocket;
  /** What the bus has brought, each as hexadecimal identifier and data. */
  readonly frames: string[];
  readonly ends: (readonly [CanEnd, string])[];
  /** Options of CAN that were set, by name. */
  readonly options: Map<number, Buffer>;
  /** From the bus. */
  arrive(...frames: readonly CanFrame[]): void;
  /** The other end goes, as an interface does. */
  hangUp(): void;
  /** What every sending, and every option of CAN, ends with: an errno, or 0 for none. */
  refuse(errno: number): void;
  /** What the kernel says that it has dropped; undefined: it does not tell. */
  dropped(count: number | undefined): void;
}

function rig(): Rig {
  const real = libc as Libc;
  const [ours, bus] = socketPair();
  const options = new Map<number, Buffer>();
  let errno = 0;
  let drops: number | undefined = 0;
  let open = true;
  const hangUp = (): void => {
    if (open) real.close(bus);
    open = false;
  };
  const kernel: Libc = {
    socket: () => ours,
    bind: () => undefined,
    setOption: (_, level, name, value) => {
      if (level !== SOL_CAN_RAW) return;
      if (errno !== 0) throw new LibcError('setsockopt', errno);
      options.set(name, Buffer.from(value));
    },
    getOption: (_, level, name, value) => {
      expect([level, name]).toEqual([SOL_SOCKET, SO_MEMINFO]);
      if (drops === undefined) throw new LibcError('getsockopt', ENOPROTOOPT);
      Buffer.from(value.buffer).writeUInt32LE(drops, 8 * 4);
    },
    send: (fd, bytes, flags) => (errno === 0 ? real.send(fd, bytes, flags) : -errno),
    receive: (fd, buffer, flags) => real.receive(fd, buffer, flags),
    eventFd: () => real.eventFd(),
    write: (fd, bytes) => real.write(fd, bytes),
    close: (fd) => real.close(fd),
    tryLock: (fd) => real.tryLock(fd),
  };
  const frames: string[] = [];
  const ends: (readonly [CanEnd, string])[] = [];
  const socket = openCanSocket(kernel, 7, {
    frame: ({ id, data }) =>
      void frames.push(`${id.toString(16)}#${Buffer.from(data).toString('hex')}`),
    ended: (end, detail) => void ends.push([end, detail]),
  });
  onTestFinished(async () => {
    await socket.close();
    hangUp();
  });
  return {
    socket,
    frames,
    ends,
    options,
    arrive: (...all) => {
      for (const frame of all) {
        const bytes = encodeCanFrame(frame);
        expect(real.send(bus, bytes, 0)).toBe(bytes.length);
      }
    },
    hangUp,
    refuse: (with_) => {
      errno = with_;
    },
    dropped: (count) => {
      drops = count;
    },
  };
}

const frameOf = (id: number, ...data: number[]): CanFrame => ({
  id,
  extended: false,
  data: Uint8Array.from(data),
  fd: data.length > 8,
  bitRateSwitch: false,
  remote: false,
  error: false,
});

describe('a CAN socket', () => {
  it('subscribes to nothing at first, but to frames of CAN FD, and to bus-off', () => {
    const { options, socket } = rig();
    expect(options.get(1)).toEqual(Buffer.alloc(0));
    expect(options.get(5)?.readInt32LE()).toBe(1);
    expect(options.get(2)?.readInt32LE()).toBe(0x140);
    // Nor for what it sends itself, which is option 4.
    expect([...options.keys()].sort()).toEqual([1, 2, 5]);
    socket.setFilters([{ id: 0x123, mask: 0x7ff, extended: false }]);
    expect(options.get(1)?.toString('hex')).toBe('23010000ff0700c0');
  });

  it('delivers what comes, in order, of both kinds, and sends what it is given', async () => {
    const { socket, frames, arrive } = rig();
    // The kernel keeps what comes before the thread runs.
    arrive(frameOf(0x123, 1, 2));
    await socket.ready;
    arrive(frameOf(0x7ff), frameOf(0x1, ...Array.from({ length: 64 }, (_, at) => at)));
    await until(() => frames.length === 3, 'three frames');
    const long = Buffer.from(Array.from({ length: 64 }, (_, at) => at)).toString('hex');
    expect(frames).toEqual(['123#0102', '7ff#', `1#${long}`]);
    expect(socket.send(frameOf(5, 9))).toBe('sent');
  });

  it.each([ENOBUFS, EAGAIN])('reports that there is no room, with errno %i', (errno) => {
    const { socket, ends, refuse } = rig();
    refuse(errno);
    expect(socket.send(frameOf(5, 9))).toBe('full');
    refuse(0);
    expect(socket.send(frameOf(5, 9))).toBe('sent');
    expect(ends).toEqual([]);
  });

  it.each([
    [ENETDOWN, 'down'],
    [ENODEV, 'gone'],
    [EIO, 'io'],
  ] as const)('says how sending has failed for good: errno %i, %s', (errno, end) => {
    const { socket, refuse } = rig();
    refuse(errno);
    expect(socket.send(frameOf(5, 9))).toBe(end);
  });

  it('loses nothing while the gateway is busy, except what has no room, which it counts', async () => {
    const { socket, frames, arrive, dropped } = rig();
    await socket.ready;
    const busy = new Int32Array(new SharedArrayBuffer(4));
    const put = (from: number, to: number): void => {
      for (let id = from; id < to; id += 1) {
        arrive(frameOf(id & 0x7ff, id & 255));
        // What is on its way is bounded; the thread takes it off.
        if (id % 32 === 31) Atomics.wait(busy, 0, 0, 5);
      }
    };
    put(0, 1000);
    Atomics.wait(busy, 0, 0, 20);
    expect(frames).toEqual([]);
    await until(
      () => frames.length === 1000,
      () => `1000 frames, not ${frames.length}`,
    );
    expect(frames.every((text, id) => text.startsWith(`${(id & 0x7ff).toString(16)}#`))).toBe(true);
    put(0, 4096 + 100);
    Atomics.wait(busy, 0, 0, 50);
    await until(() => frames.length >= 1000 + 4096, 'what there was room for');
    expect(frames).toHaveLength(1000 + 4096);
    expect(socket.lost).toBe(100);
    dropped(7);
    expect(socket.lost).toBe(107);
    // Older kernels do not tell.
    dropped(undefined);
    expect(socket.lost).toBe(100);
  });

  it('reports once that nothing more can be read', async () => {
    const { socket, ends, hangUp } = rig();
    await socket.ready;
    // What nobody has read is lost with the other end: ECONNRESET.
    socket.send(frameOf(5, 9));
    hangUp();
    await until(() => ends.length > 0, 'the end to be told');
    expect(ends).toEqual([['io', 'errno 104']]);
    await socket.close();
    expect(ends).toHaveLength(1);
  });

  it('delivers all that came before the end', async () => {
    const { socket, frames, ends, arrive, hangUp } = rig();
    await socket.ready;
    // Unread at the other end: its hanging up is an error, as that of an interface is.
    socket.send(frameOf(5, 9));
    const busy = new Int32Array(new SharedArrayBuffer(4));
    for (let id = 0; id < 1000; id += 1) {
      arrive(frameOf(id, id & 255));
      if (id % 32 === 31) Atomics.wait(busy, 0, 0, 5);
    }
    Atomics.wait(busy, 0, 0, 20);
    hangUp();
    Atomics.wait(busy, 0, 0, 50);
    await until(() => ends.length > 0, 'the end to be told');
    expect(frames).toHaveLength(1000);
  });

  it('leaves nothing open where there is no thread to read it', () => {
    const closed: unknown[] = [];
    // What no thread can be given stands for one that cannot be had.
    const noNumber = () => 1;
    const kernel = {
      socket: () => 1000,
      bind: () => undefined,
      setOption: () => undefined,
      eventFd: () => noNumber,
      close: (fd: unknown) => void closed.push(fd),
    } as unknown as Libc;
    const open = () => openCanSocket(kernel, 7, { frame: () => undefined, ended: () => undefined });
    expect(open).toThrow(/thread that reads CAN cannot be started; .*limit of threads/);
    expect(closed).toEqual([1000, noNumber]);
  });

  it('ends when the kernel takes no filter, but only after the caller has its answer', async () => {
    const { socket, ends, refuse } = rig();
    await socket.ready;
    refuse(19);
    socket.setFilters([{ id: 1, mask: 0x7ff, extended: false }]);
    expect(ends).toEqual([]);
    await until(() => ends.length > 0, 'the end to be told');
    expect(ends).toEqual([['gone', 'errno 19']]);
  });

  it('delivers nothing more once it is closed, and knows what was lost', async () => {
    const { socket, frames, arrive, dropped } = rig();
    await socket.ready;
    dropped(3);
    expect(socket.lost).toBe(3);
    arrive(frameOf(1, 1));
    await socket.close();
    await socket.close();
    dropped(9);
    expect(socket.lost).toBe(3);
    expect(frames.length).toBeLessThanOrEqual(1);
  });
});
