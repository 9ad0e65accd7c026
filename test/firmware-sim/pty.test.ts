import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { LinuxBinding } from '@serialport/bindings-cpp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { machineClock } from '../../firmware-sim/clock.js';
import { SimulatedMcu } from '../../firmware-sim/mcu.js';
import { numberIn } from '../../firmware-sim/points.js';
import { PtyError, PtyPipe } from '../../firmware-sim/pty.js';
import { Peer } from './peer.js';

const FLAGS = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** Another program that has the port open, by a plain descriptor. */
class Opener {
  readonly received: number[] = [];
  readonly #stream: ReadStream;
  readonly #closed: Promise<void>;
  readonly #listeners = new Set<() => void>();

  private constructor(private readonly file: FileHandle) {
    this.#stream = new ReadStream(file.fd);
    this.#stream.on('error', () => undefined);
    this.#closed = new Promise((resolve) => this.#stream.on('close', () => resolve()));
    this.#stream.on('data', (bytes: Buffer) => {
      this.received.push(...bytes);
      for (const listener of this.#listeners) listener();
    });
  }

  static async open(path: string): Promise<Opener> {
    return new Opener(await open(path, FLAGS));
  }

  hungUp(): Promise<void> {
    return new Promise((resolve) => this.#stream.once('end', resolve));
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.file.write(bytes);
  }

  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!done()) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.#stream.destroy();
    await this.#closed;
    await this.file.close().catch(() => undefined);
  }
}

let folder: string;
const pipes: PtyPipe[] = [];

async function openPty(linkPath?: string): Promise<PtyPipe> {
  const pipe = await PtyPipe.open(linkPath === undefined ? {} : { linkPath });
  pipes.push(pipe);
  return pipe;
}

const present = (pipe: PtyPipe, wanted: boolean): Promise<void> =>
  new Promise((resolve) => {
    if (pipe.present === wanted) {
      resolve();
      return;
    }
    pipe.onPeer = (is) => {
      if (is === wanted) resolve();
    };
  });

const nextData = (pipe: PtyPipe, length: number): Promise<number[]> =>
  new Promise((resolve) => {
    const got: number[] = [];
    pipe.onData = (bytes) => {
      got.push(...bytes);
      if (got.length >= length) resolve(got);
    };
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sim-pty-'));
});

afterEach(async () => {
  for (const pipe of pipes.splice(0)) await pipe.close();
  await rm(folder, { recursive: true });
});

describe('PtyPipe', () => {
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

  it('passes every byte both ways as it is, for a peer that sets nothing up', async () => {
    const pipe = await openPty();
    const peer = await Opener.open(pipe.path);
    const arrived = nextData(pipe, 256);
    await peer.write(everyByte);
    expect(await arrived).toEqual([...everyByte]);
    pipe.write(everyByte);
    await peer.until(() => peer.received.length >= 256);
    expect(peer.received).toEqual([...everyByte]);
    await peer.close();
  });

  it('drops what is written while nobody has it open, and reaches whoever opens it', async () => {
    const pipe = await openPty();
    await present(pipe, false);
    pipe.write(Uint8Array.of(1, 2, 3));
    expect(pipe.dropped).toBe(3);
    const peer = await Opener.open(pipe.path);
    // At once: the next look of the poller is not waited for.
    pipe.write(Uint8Array.of(4));
    await peer.until(() => peer.received.length > 0);
    expect(peer.received).toEqual([4]);
    await peer.close();
  });

  it('survives peers that come and go', async () => {
    const pipe = await openPty();
    for (let round = 1; round <= 3; round += 1) {
      const peer = await Opener.open(pipe.path);
      await present(pipe, true);
      const arrived = nextData(pipe, 2);
      await peer.write(Uint8Array.of(round, 0));
      expect(await arrived).toEqual([round, 0]);
      pipe.write(Uint8Array.of(round));
      await peer.until(() => peer.received.length > 0);
      expect(peer.received).toEqual([round]);
      await peer.close();
      await present(pipe, false);
    }
  });

  it('does not itself keep the other side open', async () => {
    const pipe = await openPty();
    const peer = await Opener.open(pipe.path);
    await present(pipe, true);
    await peer.close();
    await present(pipe, false);
    expect(pipe.present).toBe(false);
  });

  it('neither blocks nor queues without limit when the peer does not read', async () => {
    const pipe = await openPty();
    const file = await open(pipe.path, FLAGS);
    const block = new Uint8Array(1000).fill(0x0a);
    for (let i = 0; i < 1000; i += 1) pipe.write(block);
    expect(pipe.dropped).toBeGreaterThan(700_000);
    // What the system kept is read, and the line works again.
    const buffer = Buffer.alloc(4096);
    let kept = 0;
    while (kept < 1_000_000 - pipe.dropped) {
      kept += await file.read(buffer).then(
        ({ bytesRead }) => bytesRead,
        (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
          return 0;
        },
      );
    }
    expect(kept).toBe(1_000_000 - pipe.dropped);
    await file.close();
    const peer = await Opener.open(pipe.path);
    pipe.write(Uint8Array.of(7));
    await peer.until(() => peer.received.length > 0);
    expect(peer.received).toEqual([7]);
    await peer.close();
  });

  it('can be opened as a serial port, with an exclusive lock', async () => {
    const pipe = await openPty();
    const port = await LinuxBinding.open({ path: pipe.path, baudRate: 57_600, lock: true });
    const arrived = nextData(pipe, 3);
    await port.write(Buffer.of(0, 0x11, 0x13));
    expect(await arrived).toEqual([0, 0x11, 0x13]);
    await port.close();
    await present(pipe, false);
  });

  it('hangs up when it is closed, also while a child of this process lives', async (context) => {
    const pipe = await openPty();
    context.skip(!pipe.alone, 'needs koffi');
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const peer = await Opener.open(pipe.path);
    await present(pipe, true);
    const hungUp = peer.hungUp();
    await pipe.close();
    await hungUp;
    await peer.close();
    child.kill();
    await once(child, 'exit');
  });

  it('makes a link, replaces one, and takes it away at the end', async () => {
    const linkPath = join(folder, 'ttySIM');
    symlinkSync('/nowhere', linkPath);
    const pipe = await openPty(linkPath);
    expect(readlinkSync(linkPath)).toBe(pipe.path);
    const peer = await Opener.open(linkPath);
    await present(pipe, true);
    await peer.close();
    await pipe.close();
    expect(existsSync(linkPath)).toBe(false);
    await pipe.close();
  });

  it('leaves alone a link that another has put there meanwhile', async () => {
    const linkPath = join(folder, 'ttySIM');
    const first = await openPty(linkPath);
    const second = await openPty(linkPath);
    await first.close();
    expect(readlinkSync(linkPath)).toBe(second.path);
  });

  it('does not overwrite anything else', async () => {
    const linkPath = join(folder, 'precious');
    writeFileSync(linkPath, 'data');
    await expect(PtyPipe.open({ linkPath })).rejects.toThrow(
      /precious exists and is not a symbolic link/,
    );
    await expect(PtyPipe.open({ linkPath: join(folder, 'no', 'such') })).rejects.toThrow(PtyError);
  });

  it('carries a device: a setting goes down, its ack and a point come up', async () => {
    const pipe = await openPty();
    const mcu = new SimulatedMcu(pipe, { protocol: 'compact', clock: machineClock });
    const opener = await Opener.open(pipe.path);
    const line: ConstructorParameters<typeof Peer>[0] = {
      onData: undefined,
      write: (bytes) => void opener.write(bytes),
    };
    const peer = new Peer(line, 'compact');
    let seen = 0;
    const pump = (): boolean => {
      line.onData?.(Uint8Array.from(opener.received.slice(seen)));
      seen = opener.received.length;
      return peer.acks.length > 0;
    };
    peer.set({ type: 'setpoint', value: 2.5 });
    expect(numberIn((await mcu.waitForSetting('setpoint')).value)).toBe(2.5);
    await opener.until(pump);
    const sent = mcu.sendPoints([{ type: 'flow', value: 1 }]);
    await opener.until(() => {
      pump();
      return peer.values('flow').length > 0;
    });
    expect((await sent).outcome).toBe('acknowledged');
    await opener.close();
  });
});
