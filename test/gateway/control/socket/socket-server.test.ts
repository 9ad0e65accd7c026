/** The socket in runtimeDir, with a control interface that the test plays; asked as commands do. */
import { mkdirSync, readdirSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  askGateway,
  NoGatewayError,
  type SocketRequest,
} from '../../../../src/cli/gateway-socket.js';
import type {
  Control,
  GatewayView,
  LinkObserver,
  ObservedLink,
  SetReply,
} from '../../../../src/gateway/control/control.js';
import { LONGEST_REQUEST, SOCKET_NAME } from '../../../../src/gateway/control/socket/protocol.js';
import { SocketServer } from '../../../../src/gateway/control/socket/socket-server.js';
import { TimeBudget } from '../../../../src/gateway/control/time-budget.js';
import { RuntimeDir } from '../../../../src/gateway/state/runtime-dir.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { complaints, recordingLog, type Said } from '../../../support/recording-log.js';
import { tempDir } from '../../../support/temp-dir.js';
import { until } from '../../../support/until.js';
import { settled } from '../../support.js';

interface Rig {
  readonly runtimeDir: string;
  readonly stateDir: string;
}

const OBSERVED: ObservedLink = {
  name: 'pump',
  transport: 'a port',
  port: 'open',
  format: { kind: 'cobs', protocol: 'auto', maxFrameLength: 1024 },
};

async function rig({ runtimeDir = tempDir(), stateDir = runtimeDir }: Partial<Rig> = {}) {
  const clock = new FakeClock();
  const said: Said[] = [];
  const log = recordingLog(said);
  const asked: { answered: (reply: SetReply) => void; until: AbortSignal }[] = [];
  const observers = new Set<LinkObserver>();
  const control: Partial<Control> = {
    statusTime: new TimeBudget(200, clock),
    view: () => ({ gateway: { id: 'gw-1' }, links: [] }) as unknown as GatewayView,
    confirm: ({ link }) => ({ state: 'refused', reason: `no ${link}` }),
    undelete: (request) => Promise.resolve({ state: 'refused', reason: JSON.stringify(request) }),
    setRefusal: () => undefined,
    set: (_request, answered, until) => Promise.resolve(void asked.push({ answered, until })),
    observe: ({ link }, observer, until) => {
      observers.add(observer);
      until.addEventListener('abort', () => observers.delete(observer));
      return { state: 'observed', link: { ...OBSERVED, name: link } };
    },
  };
  const runtime = new RuntimeDir(runtimeDir, stateDir, log);
  const server = new SocketServer(runtime, control as Control, clock, log);
  await server.start();
  onTestFinished(() => server.stop());
  const folders = { runtimeDir, stateDir };
  const ask = async (request: object): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for await (const answer of askGateway(folders, request as SocketRequest)) answers.push(answer);
    return answers;
  };
  return {
    clock,
    said,
    asked,
    observers,
    server,
    folders,
    ask,
    path: join(runtimeDir, SOCKET_NAME),
  };
}

/** A connection of its own, with what it has received and whether it was ended. */
function dial(path: string) {
  const socket: Socket = createConnection(path);
  const seen = { text: '', closed: false };
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => (seen.text += text));
  socket.on('close', () => (seen.closed = true));
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return { socket, seen };
}

const SET = { verb: 'set', link: 'pump', type: 'limit', key: '', value: { kind: 'none' } };

/** What `act` throws. */
const failure = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the socket', () => {
  it('has the verbs of all faces', async () => {
    const { ask } = await rig();
    expect(await ask({ verb: 'status' })).toEqual([{ gateway: { id: 'gw-1' }, links: [] }]);
    expect(await ask({ verb: 'confirm', link: 'pump' })).toEqual([
      { state: 'refused', reason: 'no pump' },
    ]);
    expect(await ask({ verb: 'undelete', link: 'pump' })).toEqual([
      { state: 'refused', reason: '{"link":"pump"}' },
    ]);
  });

  it('gives several answers, and ends after the last', async () => {
    const { ask, asked } = await rig();
    const answers = ask(SET);
    const one = await until(() => asked[0], 'the request');
    one.answered({ state: 'accepted', time: '1' });
    one.answered({ state: 'acknowledged', by: 'device' });
    expect(await answers).toEqual([
      { state: 'accepted', time: '1' },
      { state: 'acknowledged', by: 'device' },
    ]);
  });

  it('ends a request whose asker goes away', async () => {
    const { path, asked } = await rig();
    const { socket } = dial(path);
    socket.write(`${JSON.stringify(SET)}\n`);
    const one = await until(() => asked[0], 'the request');
    expect(one.until.aborted).toBe(false);
    socket.destroy();
    await until(() => one.until.aborted, 'the end of the request');
    one.answered({ state: 'accepted', time: '1' });
  });

  it('takes a request in pieces', async () => {
    const { path } = await rig();
    const { socket, seen } = dial(path);
    for (const piece of ['{"verb":', '"confirm","link"', ':"é"}', '\n']) {
      socket.write(piece);
      await settled();
    }
    await until(() => seen.closed, 'the end');
    expect(seen.text).toBe('{"state":"refused","reason":"no é"}\n');
  });

  it.each([
    ['is no JSON', 'status\n', /not understood/],
    ['names no verb', '{}\n', /not understood/],
    ['names an unknown verb', '{"verb":"fly"}\n', /knows no verb of that name \(only status, set/],
    ['is too long', 'x'.repeat(LONGEST_REQUEST + 1), /too long/],
  ])('refuses a request that %s', async (_what, request, reason) => {
    const { path } = await rig();
    const { socket, seen } = dial(path);
    socket.write(request);
    await until(() => seen.closed, 'the end');
    expect(JSON.parse(seen.text)).toMatchObject({
      state: 'refused',
      reason: expect.stringMatching(reason) as string,
    });
  });

  it('ends a connection without a request after 10 s', async () => {
    const { path, clock } = await rig();
    const { seen } = dial(path);
    await until(() => clock.pendingTimers === 1, 'the connection');
    clock.advance(9_999);
    await settled();
    expect(seen.closed).toBe(false);
    clock.advance(1);
    await until(() => seen.closed, 'the end');
    expect(clock.pendingTimers).toBe(0);
  });

  it('has 32 connections at most, says so to others, and takes new ones when one has ended', async () => {
    const { path, clock, ask } = await rig();
    const all = Array.from({ length: 32 }, () => dial(path));
    await until(() => clock.pendingTimers === 32, 'the connections');
    const one = dial(path);
    await until(() => one.seen.closed, 'the end');
    expect(one.seen.text).toContain('32 commands ask the gateway already');
    all[0]?.socket.destroy();
    await until(() => clock.pendingTimers === 31, 'the end of one');
    expect(await ask({ verb: 'status' })).toHaveLength(1);
  });

  it('is gone when the gateway stops, and its requests have ended', async () => {
    const { ask, asked, server, folders } = await rig();
    const answers = ask(SET);
    const one = await until(() => asked[0], 'the request');
    server.prepareStop();
    expect(one.until.aborted).toBe(true);
    expect(await answers).toEqual([]);
    await server.stop();
    expect(readdirSync(folders.runtimeDir)).toEqual([]);
    expect(await failure(ask({ verb: 'status' }))).toMatchObject({ why: 'never' });
  });
});

describe('the place of the socket', () => {
  it('may be deep: its path may be longer than the kernel takes of a socket', async () => {
    const runtimeDir = join(tempDir(), 'a'.repeat(120), 'b'.repeat(120));
    mkdirSync(runtimeDir, { recursive: true });
    const { ask } = await rig({ runtimeDir });
    expect(await ask({ verb: 'status' })).toHaveLength(1);
    expect(readdirSync(runtimeDir)).toEqual([SOCKET_NAME]);
  });

  it('may have the socket of a gateway that was killed', async () => {
    const runtimeDir = tempDir();
    const first = await rig({ runtimeDir });
    mkdirSync(join(runtimeDir, `${SOCKET_NAME}.new`));
    writeFileSync(join(runtimeDir, `${SOCKET_NAME}.new`, 's'), '');
    const second = await rig({ runtimeDir });
    expect(await second.ask({ verb: 'status' })).toHaveLength(1);
    expect(readdirSync(runtimeDir)).toEqual([SOCKET_NAME]);
    await first.server.stop();
  });

  it.each([
    ['the gateway’s own folder', 0o700, false, 0o600],
    ['a folder of a group', 0o750, false, 0o660],
    ['stateDir, whatever its mode', 0o750, true, 0o600],
  ])('in %s decides who may use it', async (_what, folderMode, isStateDir, mode) => {
    const runtimeDir = tempDir();
    chmodSync(runtimeDir, folderMode);
    const { path } = await rig({ runtimeDir, stateDir: isStateDir ? runtimeDir : tempDir() });
    expect(statSync(path).mode & 0o777).toBe(mode);
    expect(statSync(path).gid).toBe(statSync(runtimeDir).gid);
  });

  it('may be one that cannot be written: that is told, and the gateway runs', async () => {
    const { said, server } = await rig({ runtimeDir: '/proc/nowhere/run' });
    expect(complaints(said)).toEqual([
      expect.stringMatching(/^runtimeDir \/proc\/nowhere\/run has no socket for commands \(/),
    ]);
    await server.stop();
  });
});

describe('a command without a gateway', () => {
  it('says whether one has ever run there', async () => {
    const runtimeDir = tempDir();
    const { server, ask } = await rig({ runtimeDir });
    await server.stop();
    const never = await failure(ask({ verb: 'status' }));
    expect(never).toBeInstanceOf(NoGatewayError);
    expect(never).toMatchObject({
      why: 'never',
      message: expect.stringContaining('knows no gateway yet') as string,
    });
    writeFileSync(join(runtimeDir, 'gateway.json'), '{"id":"gw-1"}');
    expect(await failure(ask({ verb: 'status' }))).toMatchObject({
      why: 'stopped',
      message: 'the gateway does not run now: start it with `siot-mcu run`',
    });
  });
});

describe('raw traffic', () => {
  it('goes to its asker until it goes away, and then nobody observes', async () => {
    const { clock, observers, path } = await rig();
    const { socket, seen } = dial(path);
    socket.write('{"verb":"raw","link":"pump"}\n');
    await until(() => seen.text.endsWith('\n'), 'the first answer');
    expect(JSON.parse(seen.text)).toEqual({ state: 'observed', link: OBSERVED });
    const [observer] = observers;
    observer?.observed({ kind: 'removed' });
    clock.advance(20);
    await until(() => seen.text.includes('removed'), 'traffic');
    socket.destroy();
    await until(() => observers.size === 0, 'the end of the observation');
    await until(() => clock.pendingTimers === 0, 'the end of the connection');
  });

  it('ends with the gateway', async () => {
    const { observers, path, server } = await rig();
    const { socket, seen } = dial(path);
    socket.write('{"verb":"raw","link":"pump"}\n');
    await until(() => seen.text.endsWith('\n'), 'the first answer');
    await server.stop();
    await until(() => seen.closed, 'the end of the connection');
    expect(observers.size).toBe(0);
  });
});
