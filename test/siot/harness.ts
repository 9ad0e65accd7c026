/**
 * A real nats-server, a client of the tests' own, and a Siot between.
 */
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { afterEach } from 'vitest';
import { MemoryOutbox } from '../../src/outbox/memory-outbox.js';
import { SystemClock } from '../../src/point/clock.js';
import { floatValue, makePoint, type Point } from '../../src/point/point.js';
import { NatsServer, type NatsServerOptions } from '../../src/siot/connection/nats-server.js';
import { Siot, type SiotNodeEvents, type SiotOptions } from '../../src/siot/siot.js';
import type { Generation } from '../../src/siot/wire/wire.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { SiotStore, type SiotStoreOptions } from '../siot-store/siot-store.js';
import { recordingLog, type Said } from '../support/recording-log.js';

const cleanups: (() => unknown)[] = [];

/** Done after the test, in reverse order. */
export function cleanup(what: () => unknown): void {
  cleanups.push(what);
}

afterEach(async () => {
  for (const what of cleanups.splice(0).reverse()) await what();
});

export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await NatsServer.start(options);
  cleanup(() => server.stop());
  return server;
}

/** The stand-in for a SIOT of this version. */
export async function startStore(
  nats: string,
  version: SiotStore['version'],
  given: Partial<SiotStoreOptions> = {},
): Promise<SiotStore> {
  const store = await SiotStore.start({ nats, version, ...given });
  cleanup(() => store.stop());
  return store;
}

export async function rawClient(
  server: NatsServer,
  options: ConnectionOptions = {},
): Promise<NatsConnection> {
  const client = await connect({ servers: server.url, reconnect: false, ...options });
  cleanup(() => client.close());
  return client;
}

export interface NodeRecord extends SiotNodeEvents {
  readonly events: string[];
  readonly heardPoints: Point[];
  readonly readPoints: (readonly Point[])[];
  readonly droppedPoints: { cause: string; points: readonly Point[] }[];
}

export function nodeRecord(): NodeRecord {
  const record: NodeRecord = {
    events: [],
    heardPoints: [],
    readPoints: [],
    droppedPoints: [],
    heard: (points) => void record.heardPoints.push(...points),
    read: (points, everything) => {
      record.events.push('read');
      if (everything) record.events.push('resend');
      record.readPoints.push(points);
    },
    life: (life) => void record.events.push(life),
    dropped: (cause, points) => void record.droppedPoints.push({ cause, points }),
  };
  return record;
}

export const GATEWAY_ID = 'gw-1';
export const NODE_ID = 'dev-1';

export interface Rig {
  readonly siot: Siot;
  readonly outbox: MemoryOutbox;
  readonly said: Said[];
  readonly node: NodeRecord;
  readonly remembered: { generation: Generation }[];
}

/** Nothing of the tests' node waits in the outbox any more. */
export const delivered = ({ outbox }: Rig): boolean => outbox.lane(NODE_ID).length === 0;

export const warnings = ({ said }: { readonly said: readonly Said[] }): string[] =>
  said.filter(({ level }) => level === 'warn').map(({ message }) => message);

export function startSiot(
  server: { url: string } | string,
  given: Partial<SiotOptions> = {},
  begin = true,
): Rig & { nodeHandle: ReturnType<Siot['addNode']> } {
  const said: Said[] = [];
  const remembered: { generation: Generation }[] = [];
  const outbox = new MemoryOutbox({ maxBytes: 64 << 20 });
  const siot = new Siot({
    connection: { servers: [typeof server === 'string' ? server : server.url] },
    generation: 'auto',
    store: 'auto',
    parent: 'root',
    gateway: { id: GATEWAY_ID, description: 'boiler room', version: '1.2.3' },
    remembered: undefined,
    remember: (store) => void remembered.push(store),
    outbox,
    clock: new SystemClock(),
    random: () => 0.5,
    log: recordingLog(said),
    ...given,
  });
  const node = nodeRecord();
  const nodeHandle = siot.addNode(
    { id: NODE_ID, type: 'mcu', description: 'Pump', name: 'pump' },
    node,
  );
  if (begin) siot.start();
  cleanup(() => siot.stop(0));
  return {
    siot,
    outbox: (given.outbox as MemoryOutbox | undefined) ?? outbox,
    said,
    node,
    remembered,
    nodeHandle,
  };
}

let time = 1767323045678901234n;

/** A point whose time is later than that of all before it. */
export function point(type: string, number: number, given: Partial<Point> = {}): Point {
  time += 1000n;
  return makePoint({ type, value: floatValue(number), time, ...given });
}

export function put(outbox: MemoryOutbox, ...points: Point[]): void {
  if (!outbox.lane(NODE_ID).put(points, () => undefined)) throw new Error('the outbox is full');
}

/** What arrives on `p.>`, decoded. */
export async function watch(
  client: NatsConnection,
  generation: Generation,
  subject = 'p.>',
): Promise<{ subject: string; points: readonly Point[]; reply: string }[]> {
  const seen: { subject: string; points: readonly Point[]; reply: string }[] = [];
  client.subscribe(subject, {
    callback: (_error, message) => {
      const decoded = WIRES[generation].decode(message.data);
      seen.push({
        subject: message.subject,
        points: decoded?.points ?? [],
        reply: message.reply ?? '',
      });
    },
  });
  await client.flush();
  return seen;
}
