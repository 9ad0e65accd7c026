/**
 * All parts of an end-to-end test, real except for the device's firmware and,
 * unless SIOT_BIN names a program, SIOT:
 *
 * ```
 *  SimulatedMcu ══ PTY, TCP ══ Gateway ══ nats-server ══ SIOT
 *                                              ╚════════ NatsClient: what anyone sees
 * ```
 */
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import type { Protocol } from '../../firmware-sim/codec.js';
import { SimulatedMcu, type McuOptions } from '../../firmware-sim/mcu.js';
import type { PointLike } from '../../firmware-sim/points.js';
import type { BytePipe } from '../../firmware-sim/pipe.js';
import { PtyPipe } from '../../firmware-sim/pty.js';
import { TcpPipe } from '../../firmware-sim/tcp.js';
import { SystemClock } from '../../src/point/clock.js';
import type { Generation } from './points.js';
import { NatsClient } from './nats-client.js';
import {
  VERSIONS,
  generationOf,
  startSiot,
  whyNot,
  type SiotServer,
  type Version,
} from './siot-server.js';
import { GatewayUnderTest } from '../gateway/plant.js';
import { mcuTimes } from '../support/slowness.js';
import { until } from '../support/until.js';

export { find, NatsClient } from './nats-client.js';
export type { SiotNode, SiotPoint } from './points.js';
export type { Generation } from './points.js';

export const clock = new SystemClock();
/** A real time of now, later than each one before. */
export const now = (): bigint => {
  const ns = clock.wallNs();
  lastNs = ns > lastNs ? ns : lastNs + 1n;
  return lastNs;
};
let lastNs = 0n;

export const PROTOCOLS: readonly Protocol[] = ['protobuf', 'compact'];

// What a test started ends with it, newest first ------------------------------

const endings: (() => unknown)[] = [];

export function atEnd(end: () => unknown): void {
  endings.push(end);
}

async function endAll(): Promise<void> {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
}

/** Call once in each file: nothing that its tests started may be left when it ends. */
export function leavesNothingBehind(): void {
  let before: readonly string[] = [];
  beforeAll(() => {
    before = left();
  });
  afterEach(endAll);
  afterAll(async () => {
    await until(
      () => extra(left(), before).length === 0,
      () => `these to end: ${extra(left(), before).join(', ')}`,
      5_000,
    );
  });
}

/** Child processes, sockets and terminals of this process. */
function left(): string[] {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' '),
  );
  const files = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  const resources = process.getActiveResourcesInfo().filter((name) => /TCP|TTY|Process/.test(name));
  return [
    ...children.filter((pid) => pid !== '').map((pid) => `child process ${pid}`),
    ...files.filter((file) => /^\/dev\/(ptmx|pts\/)/.test(file)),
    ...resources,
  ];
}

function extra(now: readonly string[], before: readonly string[]): string[] {
  const counted = [...before];
  return now.filter((one) => {
    const at = counted.indexOf(one);
    if (at >= 0) counted.splice(at, 1);
    return at < 0;
  });
}

// SIOT ------------------------------------------------------------------------

export interface SiotUnderTest {
  readonly version: Version;
  readonly generation: Generation;
  readonly server: SiotServer;
  /** Closed at the end of the test. */
  client(): Promise<NatsClient>;
}

/**
 * The cases of `define` against each version of SIOT, whose server all of them
 * share. A version that cannot run here is skipped, case by case, with what `why` says.
 */
export function withEachSiot(
  define: (siot: SiotUnderTest) => void,
  versions: readonly Version[] = VERSIONS,
  why: (version: Version) => string | undefined = whyNot,
): void {
  for (const version of versions.filter((one) => attachment.versions.includes(one))) {
    describe(`SIOT ${version}`, () => {
      const reason = why(version);
      let server: SiotServer | undefined;
      if (reason === undefined) {
        beforeAll(async () => {
          server = await startSiot(version);
        });
        afterAll(() => server?.stop());
      } else {
        beforeEach((context) => context.skip(reason));
      }
      define({
        version,
        generation: generationOf(version),
        get server() {
          if (server === undefined) throw new Error('the server runs only while tests do');
          return server;
        },
        client: () => openClient(server?.url ?? '', server?.token),
      });
    });
  }
}

export async function openClient(url: string, token?: string): Promise<NatsClient> {
  const client = await NatsClient.connect(url, token);
  atEnd(() => client.close());
  return client;
}

// The gateway -----------------------------------------------------------------

/** What a gateway of these tests is configured with. */
export interface GatewayFile {
  readonly url: string;
  readonly token?: string;
  readonly links: readonly object[];
  readonly siot?: object;
  readonly gateway?: object;
}

/** A gateway with a folder of its own that outlives its restarts; the caller starts it. */
export function gatewayOf({
  url,
  token,
  links,
  siot = {},
  gateway = {},
}: GatewayFile): GatewayUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-e2e-'));
  const document = {
    nats: { servers: url, ...(token === undefined || token === '' ? {} : { token }) },
    stateDir: join(folder, 'state'),
    siot,
    gateway: { description: 'boiler room', ...gateway },
    links,
  };
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return new GatewayUnderTest(folder, document, { atEnd });
}

// The device ------------------------------------------------------------------

/** A device's line, with what the gateway reaches it by. */
export interface Attached {
  readonly pipe: BytePipe;
  /** For the configuration. */
  readonly transport: object;
  /** That a serial port is configured with. */
  readonly path: string;
}

/** What devices are attached to, for all cases of a file. */
export interface Attachment {
  open(line: Line): Promise<Attached>;
  /** Cases of other versions than these are left out. */
  readonly versions: readonly Version[];
  /** Bytes of the longest packet; undefined: as many as the gateway is configured to take. */
  readonly longestPacket?: number;
  /** Why the port stays open when the device goes; undefined: it closes. */
  readonly staysOpen?: string;
}

let attachment: Attachment = { open: openLine, versions: VERSIONS };

/** Of the file that runs. */
export const attached = (): Attachment => attachment;

/**
 * The cases of test files that are imported afterwards run with devices on
 * something else: `import './usb-acm.js'; import '../../e2e/up.test.js';`
 */
export function attachTo(other: Attachment): void {
  attachment = other;
}

export interface Device {
  readonly mcu: SimulatedMcu;
  readonly pipe: BytePipe;
  /** That a serial port is configured with. */
  readonly path: string;
  /** For the configuration. */
  readonly transport: object;
  /** Sends, and throws unless the packet is acknowledged. */
  report(...points: readonly PointLike[]): Promise<void>;
}

/**
 * How a device is attached. `link`: a PTY by a symbolic link, as serial ports
 * have under /dev/serial/by-id, by which another can take its place.
 */
export type Line = 'serial' | 'tcp' | 'link' | { readonly linkPath: string };

export async function openDevice(
  protocol: Protocol,
  line: Line = 'serial',
  options: Partial<McuOptions> = {},
): Promise<Device> {
  const { pipe, transport, path } = await attachment.open(line);
  const mcu = new SimulatedMcu(pipe, { clock, protocol, ...mcuTimes, ...options });
  atEnd(() => mcu.close());
  return {
    mcu,
    pipe,
    path,
    transport,
    report: async (...points) => {
      const { outcome } = await mcu.sendPoints(points);
      if (outcome !== 'acknowledged') throw new Error(`the packet ended as ${outcome}`);
    },
  };
}

async function openLine(line: Line): Promise<Attached> {
  if (line === 'tcp') {
    const pipe = await TcpPipe.open({ host: '127.0.0.1', port: 0 });
    return { pipe, transport: { type: 'tcp', ...pipe.address }, path: '' };
  }
  const pipe = await PtyPipe.open(
    line === 'serial' ? {} : { linkPath: line === 'link' ? newLink() : line.linkPath },
  );
  const path = pipe.linkPath ?? pipe.path;
  return { pipe, transport: { type: 'serial', path }, path };
}

/** A path of a test's own, for a link to a port. */
export function newLink(): string {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-tty-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'pump');
}

// All together ----------------------------------------------------------------

export interface Plant {
  readonly device: Device;
  readonly gateway: GatewayUnderTest;
  readonly client: NatsClient;
  readonly nodeId: string;
  /** Sets a point as a person does, at the present time, and has the store's receipt. */
  set(point: {
    readonly type: string;
    readonly key?: string;
    readonly value: Parameters<NatsClient['set']>[2]['value'];
    readonly tombstone?: number;
    readonly origin?: string;
    readonly time?: bigint;
  }): Promise<void>;
}

export interface PlantOptions {
  readonly line?: Line;
  readonly link?: object;
  readonly mcu?: Partial<McuOptions>;
}

/** A device, its gateway, and SIOT, joined; the device has been heard. */
export async function plant(
  siot: SiotUnderTest,
  protocol: Protocol,
  { line = 'serial', link = {}, mcu = {} }: PlantOptions = {},
): Promise<Plant> {
  const device = await openDevice(protocol, line, mcu);
  const client = await siot.client();
  await client.listen();
  const gateway = gatewayOf({
    url: siot.server.url,
    token: siot.server.token,
    links: [{ name: 'pump', transport: device.transport, ...link }],
  });
  await gateway.start();
  await gateway.ready();
  await device.report({ type: 'hello', value: 1, time: now() });
  const nodeId = gateway.nodeId();
  return {
    device,
    gateway,
    client,
    nodeId,
    set: ({ time = now(), ...point }) => client.set(siot.generation, nodeId, { time, ...point }),
  };
}
