import { once } from 'node:events';
import { existsSync, readlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isUsageError, runSimulator, type SimulatorOptions } from '../../firmware-sim/program.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { PtyError } from '../../firmware-sim/pty.js';
import { TcpError } from '../../firmware-sim/tcp.js';
import { until } from '../support/until.js';
import { Peer } from './peer.js';

let folder: string;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sim-program-'));
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await rm(folder, { recursive: true });
});

function start(options: Partial<SimulatorOptions>) {
  const abort = new AbortController();
  const lines = { out: [] as string[], err: [] as string[] };
  const watchers = new Set<() => void>();
  const add = (to: string[]) => (line: string) => {
    to.push(line);
    for (const watch of watchers) watch();
  };
  const ended = runSimulator(
    { protocol: 'compact', ...options },
    { out: add(lines.out), err: add(lines.err), signal: abort.signal },
  );
  const end = async (): Promise<void> => {
    abort.abort();
    await ended;
  };
  ends.push(() => end().catch(() => undefined));
  const until = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        const found = find();
        if (found === undefined) return;
        watchers.delete(watch);
        resolve(found);
      };
      ended.then(() => reject(new Error(`ended:\n${lines.err.join('\n')}`)), reject);
      watchers.add(watch);
      watch();
    });
  const says = (pattern: RegExp): Promise<string> =>
    until(() => lines.err.find((l) => pattern.test(l)));
  return { ...lines, end, until, says };
}

async function client(address: string): Promise<{ peer: Peer; socket: Socket }> {
  const [host, port] = address.split(':');
  const socket = connect({ host: host ?? '', port: Number(port) });
  ends.push(() => Promise.resolve(void socket.destroy()));
  await once(socket, 'connect');
  const line: ConstructorParameters<typeof Peer>[0] = {
    onData: undefined,
    write: (bytes) => void socket.write(bytes),
  };
  const peer = new Peer(line, 'compact');
  socket.on('data', (bytes) => line.onData?.(bytes));
  return { peer, socket };
}

describe('runSimulator', () => {
  it('is a device on TCP: says where it is and what it does, and ends with the signal', async () => {
    const sim = start({ tcp: '127.0.0.1:0', seed: 77 });
    const address = await sim.until(() => sim.out[0]);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(sim.err[0]).toBe(
      'simulated MCU "Pump controller", protocol compact, seed 77, faults none',
    );
    const { peer, socket } = await client(address);
    await sim.says(/^somebody has opened the line$/);
    peer.set({ type: 'timeSync', time: 1767323045678901234n });
    await sim.says(/^clock set to 2026-01-02T03:04:05\.678Z$/);
    peer.set({ type: 'setpoint', value: 99 });
    await sim.says(/^setting setpoint = 8 \(asked for 99\)$/);
    peer.set({ type: 'mode', value: 'eco' });
    await sim.says(/^setting mode = "eco"$/);
    peer.set({ type: 'restart', value: 1 });
    await sim.says(/^command restart: restart$/);
    await sim.says(/^restarted$/);
    socket.destroy();
    await sim.says(/^the line is closed$/);
    await sim.end();
    expect(sim.err.at(-1)).toMatch(/^ended: \d+ packets sent, \d+ received, 1 restarts/);
    expect(sim.out).toEqual([address]);
  });

  it('is a device on a PTY, and takes its link away', async () => {
    const pty = join(folder, 'ttySIM');
    const sim = start({ pty, faults: 'split=0.5', protocol: 'protobuf' });
    expect(await sim.until(() => sim.out[0])).toBe(pty);
    expect(sim.err[0]).toMatch(/protocol protobuf, seed \d+, faults split=0\.5$/);
    await sim.says(new RegExp(`^serial port ${pty}, which is ${readlinkSync(pty)}$`));
    await sim.end();
    expect(existsSync(pty)).toBe(false);
  });

  it('is the console of a shell', async () => {
    const sim = start({ tcp: '127.0.0.1:0', protocol: 'shell', carryTimes: true, seed: 5 });
    const [host, port] = (await sim.until(() => sim.out[0])).split(':');
    expect(sim.err[0]).toContain('protocol shell, seed 5');
    const socket = connect({ host: host ?? '', port: Number(port) });
    ends.push(() => Promise.resolve(void socket.destroy()));
    await once(socket, 'connect');
    let seen = '';
    socket.on('data', (bytes: Buffer) => {
      seen += bytes.toString();
    });
    socket.write('siot stream on\r\np setpoint 0 FLT 99 2026-01-02T03:04:05.000000001Z\r\n');
    await sim.says(/^setting setpoint = 8 \(asked for 99\)$/);
    await until(
      () => seen.includes('pt setpoint 0 FLT 8 2026-01-02T03:04:05.000000001Z\r\n'),
      () => `the setting to be reported in ${JSON.stringify(seen)}`,
    );
    socket.write('p restart 0 INT 1\r\n');
    await sim.says(/^restarted$/);
    await sim.end();
    expect(sim.err.at(-1)).toMatch(/^ended: 3 commands received, 1 restarts/);
  });

  it('takes a profile of its own', async () => {
    const profile = join(folder, 'p.yaml');
    writeFileSync(profile, 'description: My board\nsettings:\n  - {type: led, kind: boolean}\n');
    const sim = start({ tcp: '127.0.0.1:0', profile });
    const { peer } = await client(await sim.until(() => sim.out[0]));
    peer.set({ type: 'led', value: 1 });
    await sim.says(/^setting led = 1$/);
    expect(sim.err[0]).toContain('"My board"');
  });

  it('prints the built-in profile', async () => {
    const out: string[] = [];
    await runSimulator(
      { protocol: 'compact', printProfile: true },
      { out: (l) => out.push(l), err: () => undefined, signal: new AbortController().signal },
    );
    expect(parseProfile(out.join('\n')).description).toBe('Pump controller');
  });

  it.each<[Partial<SimulatorOptions>, RegExp]>([
    [{}, /give one of --pty LINKPATH, --tcp HOST:PORT, --serial PATH and --can IFACE/],
    [{ pty: 'a', tcp: 'b:1' }, /give one of/],
    [{ tcp: 'nowhere' }, /"nowhere" is no address/],
    [{ tcp: '127.0.0.1:0', seed: -1 }, /--seed takes a whole number/],
    [{ tcp: '127.0.0.1:0', faults: 'flop=1' }, /--faults: "flop=1" is not known/],
    [{ tcp: '127.0.0.1:0', carryTimes: true }, /--carry-times needs --protocol shell/],
    [{ can: 'vcan0', protocol: 'shell' }, /a console has no CAN/],
    [{ pty: 'a', protocol: 'shell', faults: 'no-crc' }, /no-crc is a fault of packets/],
    [{ tcp: '127.0.0.1:0', profile: '/no/such' }, /^\/no\/such:1:1: cannot be read: /],
  ])('says what is wrong with %o', async (options, message) => {
    const error: unknown = await start(options)
      .end()
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(message);
    expect(isUsageError(error)).toBe(true);
  });

  it('tells a fault of the machine from a wrong command line', async () => {
    const pty = join(folder, 'file');
    writeFileSync(pty, '');
    const sim = start({ tcp: '127.0.0.1:0' });
    const taken = await sim.until(() => sim.out[0]);
    for (const [options, kind] of [
      [{ pty }, PtyError],
      [{ tcp: taken }, TcpError],
    ] as const) {
      const error: unknown = await start(options)
        .until(() => undefined)
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(kind);
      expect(isUsageError(error)).toBe(false);
    }
  });
});
