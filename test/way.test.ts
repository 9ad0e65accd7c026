/**
 * The way of a point up, of its acknowledgement and of a setting down, as the
 * functions of src that stand on the stack between two libraries: taken on a real
 * PTY, nats-server and outbox, and printed, outermost function first. Where the way
 * waits for a reply, or for the disk, the pieces before and after it are printed.
 *
 * The limits are what it is today: whoever makes it longer has to say so here.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock, type Timer } from '../src/point/clock.js';
import { GatewayUnderTest, openDevice, startStore } from './gateway/plant.js';
import { useNats } from './support/nats.js';
import { SLOWNESS } from './support/slowness.js';
import { until } from './support/until.js';

const nats = useNats();
const root = join(fileURLToPath(import.meta.url), '..', '..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'siot-mcu-way-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Frame {
  readonly name: string;
  readonly file: string;
}

/** Functions of src on the stack of whoever calls this, outermost first. */
function framesOf(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split('\n').slice(1)) {
    const match = /^\s*at (?:(.+) \()?(?:file:\/\/)?(\/[^)]*?):\d+:\d+\)?$/.exec(line);
    const file = relative(root, match?.[2] ?? '');
    if (!file.startsWith('src/')) continue;
    frames.unshift({ name: match?.[1] ?? '(function)', file });
  }
  return frames;
}

/** Replaces a method until the returned function is called; `look` sees each call before it happens. */
function tap(of: object, method: string, look: (given: unknown[], stack: string) => void) {
  const own = Object.getOwnPropertyDescriptor(of, method);
  const real = (of as Record<string, (...given: unknown[]) => unknown>)[method];
  if (real === undefined) throw new Error(`there is no ${method}`);
  Object.defineProperty(of, method, {
    configurable: true,
    writable: true,
    value(this: unknown, ...given: unknown[]) {
      const limit = Error.stackTraceLimit;
      Error.stackTraceLimit = Number.POSITIVE_INFINITY;
      const { stack = '' } = new Error('here');
      Error.stackTraceLimit = limit;
      look(given, stack);
      return real.apply(this, given);
    },
  });
  return () => {
    if (own === undefined) Reflect.deleteProperty(of, method);
    else Object.defineProperty(of, method, own);
  };
}

type Stack = readonly Frame[];

/**
 * The first stack on which a library was given something that has `mark` in it, or anything
 * where there is none; `act` is repeated until there is one.
 */
async function stackOf(
  of: object,
  method: string,
  mark: string | undefined,
  act: () => Promise<unknown>,
  fits: (stack: Stack) => boolean = () => true,
): Promise<Stack> {
  const fitting: Stack[] = [];
  const release = tap(of, method, (given, text) => {
    const isMarked =
      mark === undefined ||
      given.some(
        (one) =>
          (typeof one === 'string' || one instanceof Uint8Array) && Buffer.from(one).includes(mark),
      );
    const stack = framesOf(text);
    if (isMarked && stack.length > 0 && fits(stack)) fitting.push(stack);
  });
  try {
    const endMs = performance.now() + 10_000 * SLOWNESS;
    while (fitting.length === 0 && performance.now() < endMs) await act();
    const [first] = fitting;
    if (first === undefined) throw new Error(`no call of ${method} had ${mark ?? 'such a stack'}`);
    return first;
  } finally {
    release();
  }
}

const beginsIn = (folder: string, stack: Stack): boolean =>
  stack[0]?.file.startsWith(folder) === true;
const beginsInSiot = (stack: Stack): boolean => beginsIn('src/siot/', stack);
const isToPublisher = (stack: Stack): boolean =>
  beginsIn('src/transport/', stack) && stack.at(-1)?.file.startsWith('src/siot/') === true;
/** NATS has a socket as well. */
const isToPort = (stack: Stack): boolean =>
  stack.at(-1)?.file.startsWith('src/transport/') === true;
const isFromSiotToPort = (stack: Stack): boolean => beginsInSiot(stack) && isToPort(stack);

interface Length {
  readonly frames: number;
  readonly files: number;
  /** How often `Link` is entered. */
  readonly link: number;
}

function lengthOf(stack: Stack): Length {
  const link = 'src/gateway/link/link.ts';
  return {
    frames: stack.length,
    files: new Set(stack.map(({ file }) => file)).size,
    link: stack.filter(({ file }, i) => file === link && stack[i - 1]?.file !== link).length,
  };
}

function print(title: string, stack: Stack): void {
  const { frames, files, link } = lengthOf(stack);
  const lines = stack.map(({ name, file }, i) => `${String(i + 1).padStart(4)}  ${name}  ${file}`);
  process.stdout.write(
    `\n${title}: ${String(frames)} frames, ${String(files)} files, Link entered: ${String(link)}\n` +
      `${lines.join('\n')}\n`,
  );
}

/** Prints a way, and fails if it is longer than it may be. */
function check(title: string, stack: Stack, most: Length): void {
  print(title, stack);
  const { frames, files, link } = lengthOf(stack);
  expect({
    frames: Math.max(frames, most.frames),
    files: Math.max(files, most.files),
    link: Math.max(link, most.link),
  }).toEqual(most);
}

/**
 * The outbox waits some milliseconds for SIOT's reply before it writes to the disk:
 * with this clock the reply always comes first.
 */
class ClockOfASlowDisk extends SystemClock {
  override setTimer(ms: number, then: () => void): Timer {
    return super.setTimer(ms < 20 ? 200 : ms, then);
  }
}

async function start(name: string, servers: string, more: object = {}, clock = new SystemClock()) {
  const device = await openDevice();
  const gateway = await new GatewayUnderTest(
    join(folder, name),
    { nats: { servers }, links: [{ name: 'pump', transport: device.transport }], ...more },
    { clock },
  ).start();
  await until(() => gateway.link('pump').port === 'open', 'the port to be open');
  return { device, gateway };
}

describe('the way through the code', () => {
  it('of a point up, of its acknowledgement, and of a setting down', async () => {
    const store = await startStore(nats);
    const { device, gateway } = await start('store', nats.url, {}, new ClockOfASlowDisk());
    await gateway.ready('pump');
    // The first point of a type takes other branches than those that follow.
    await device.report('flow', 0);
    const library = Object.getPrototypeOf(await nats.connect()) as object;

    const report = () => device.report('flow', 1);
    // What all links have brought in one turn of the event loop is published together.
    const up = await stackOf(globalThis, 'setImmediate', undefined, report, isToPublisher);
    check('a point up, from the port to the publisher', up, { frames: 15, files: 11, link: 1 });
    const out = await stackOf(library, 'publish', '.flow.', report, beginsInSiot);
    check('and from there to NATS, at the end of the turn', out, { frames: 5, files: 3, link: 0 });

    const ack = await stackOf(Socket.prototype, 'write', 'ack', report, isFromSiotToPort);
    check('its acknowledgement, from SIOT’s reply to the port', ack, {
      frames: 16,
      files: 11,
      link: 0,
    });

    const set = () => store.setAs('somebody', gateway.nodeId('pump'), 'limit', '', 5);
    const down = await stackOf(Socket.prototype, 'write', 'limit', set, isFromSiotToPort);
    check('a setting down, from NATS to the port', down, { frames: 14, files: 11, link: 0 });
  });

  it('of an acknowledgement from the disk to the port, while SIOT is away', async () => {
    // Nobody listens there.
    const { device } = await start('disk', 'nats://127.0.0.1:9');
    await device.report('flow', 0);
    const report = () => device.report('flow', 1);
    const ack = await stackOf(Socket.prototype, 'write', 'ack', report, isToPort);
    check('an acknowledgement, from the disk to the port', ack, {
      frames: 10,
      files: 8,
      link: 0,
    });
  });

  it('of an acknowledgement from the port back to it, with an outbox in memory', async () => {
    const outbox = { durability: 'memory' };
    const { device } = await start('memory', nats.url, { outbox });
    await device.report('flow', 0);
    const report = () => device.report('flow', 1);
    const ack = await stackOf(Socket.prototype, 'write', 'ack', report, isToPort);
    check('an acknowledgement, with an outbox in memory', ack, {
      frames: 19,
      files: 10,
      link: 1,
    });
  });
});
