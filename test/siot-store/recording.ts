/**
 * Replays what real servers answered (test/vectors/store.json, and any other
 * file of that form) on the stand-in, and says what differs.
 */
import { readFile } from 'node:fs/promises';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { siot } from '#proto/siot.js';
import { decodeCompact } from './codec-compact.js';
import { VERSIONS, type Version } from './dialect.js';

export interface Step {
  /** Subject of a message with points, or else of a query. */
  readonly send?: string;
  readonly query?: string;
  /** hex */
  readonly payload: string;
  readonly replies?: readonly string[];
  readonly publishes?: readonly (readonly [string, readonly Plain[]])[];
  readonly nodes?: readonly Plain[] | Plain;
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface RecordedVersion {
  readonly version: Version;
  readonly generation: 1 | 2;
  readonly scenarios: readonly Scenario[];
}

export interface Difference {
  /** Such as `batches, step 3, p.dev-5.x.0`. */
  readonly where: string;
  readonly what: 'replies' | 'publishes' | 'nodes';
  readonly recorded: unknown;
  readonly replayed: unknown;
}

type Plain = Readonly<Record<string, unknown>>;

export async function readRecording(file: string | URL): Promise<RecordedVersion[]> {
  const recording = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  return VERSIONS.flatMap((version) => {
    const recorded = recording[`v${version}`] as Omit<RecordedVersion, 'version'> | undefined;
    return recorded === undefined ? [] : [{ ...recorded, version }];
  });
}

export interface ReplayOptions {
  /** Opened with `noEcho`: its own messages on p.> must not look like the store's. */
  readonly connection: NatsConnection;
  readonly rootId: string;
  readonly userId: string;
}

/** The store must be new: the steps build upon each other. */
export async function replay(
  recorded: RecordedVersion,
  options: ReplayOptions,
): Promise<Difference[]> {
  const replayer = new Replayer(recorded.generation, options);
  const differences: Difference[] = [];
  try {
    for (const { name, steps } of recorded.scenarios) {
      for (const [index, step] of steps.entries()) {
        const where = `${name}, step ${index + 1}, ${step.send ?? step.query ?? ''}`;
        for (const difference of await replayer.step(step)) {
          differences.push({ where, ...difference });
        }
      }
    }
  } finally {
    replayer.end();
  }
  return differences;
}

const HEARD = ['p.>', 'ep.>', 'up.>', 'phrup.>'];
/** A query that the store answers after all that it did before. */
const BARRIER = 'nodes.none.barrier';

/**
 * Resolves when all has arrived that the store publishes because of what this
 * connection has sent. The first answer comes after the replies, and after
 * what the store has sent to itself (the `error` point); the second after what
 * came of that.
 */
export async function settle(connection: NatsConnection): Promise<void> {
  await connection.request(BARRIER, '', { timeout: 10_000 });
  await connection.request(BARRIER, '', { timeout: 10_000 });
}
const NO_RESPONDERS = 503;

class Replayer {
  readonly #generation: 1 | 2;
  readonly #options: ReplayOptions;
  readonly #inbox = createInbox();
  readonly #stops: (() => void)[] = [];
  #heard: Msg[] = [];
  #replies: Msg[] = [];
  #steps = 0;

  constructor(generation: 1 | 2, options: ReplayOptions) {
    this.#generation = generation;
    this.#options = options;
    const listen = (subject: string, callback: (message: Msg) => void): void => {
      const subscription = options.connection.subscribe(subject, {
        callback: (_error, message) => callback(message),
      });
      this.#stops.push(() => subscription.unsubscribe());
    };
    for (const subject of HEARD) listen(subject, (message) => this.#heard.push(message));
    listen(`${this.#inbox}.*`, (message) => this.#replies.push(message));
  }

  end(): void {
    for (const stop of this.#stops) stop();
  }

  async step(step: Step): Promise<Omit<Difference, 'where'>[]> {
    const { connection } = this.#options;
    this.#heard = [];
    this.#replies = [];
    const subject = this.#fill(step.send ?? step.query ?? '');
    if (!/^[0-9a-f]*$/.test(step.payload)) throw new Error(`not hex: ${step.payload}`);
    const reply = `${this.#inbox}.${(this.#steps += 1)}`;
    connection.publish(subject, Buffer.from(step.payload, 'hex'), { reply });
    await settle(connection);
    const replies = this.#replies.filter((message) => message.subject === reply);
    const found: Omit<Difference, 'where'>[] = [];
    const compare = (what: Difference['what'], recorded: unknown, replayed: unknown): void => {
      const [left, right] = [canonical(recorded), canonical(replayed)];
      if (left !== right) found.push({ what, recorded, replayed });
    };
    if (step.replies !== undefined) {
      compare(
        'replies',
        step.replies,
        replies.map((message) => this.#textOf(message)),
      );
    }
    if (step.publishes !== undefined) {
      const publishes = this.#heard.map((message) => this.#published(message));
      compare('publishes', sorted(step.publishes.map(nearNow)), sorted(publishes.map(nearNow)));
    }
    if (step.nodes !== undefined) {
      compare('nodes', tidied(step.nodes), tidied(this.#nodesOf(replies)));
    }
    return found;
  }

  #fill(subject: string): string {
    const { rootId, userId } = this.#options;
    return subject.replaceAll('$ROOT', rootId).replaceAll('$USER', userId);
  }

  #empty(text: string): string {
    const { rootId, userId } = this.#options;
    return text.replaceAll(rootId, '$ROOT').replaceAll(userId, '$USER');
  }

  #textOf(message: Msg): string {
    if (message.headers?.code === NO_RESPONDERS) return 'no responders';
    return this.#empty(message.string());
  }

  #published(message: Msg): [string, Plain[]] {
    const points =
      this.#generation === 1
        ? siot.Points.decode(message.data).points.map(plainOfProto)
        : decodeCompact(message.data).map(({ content, ...about }) =>
            plain({ ...about, ...(content.kind === 'typed' ? content : {}), kind: '' }),
          );
    return [this.#empty(message.subject), this.#emptied(points) as Plain[]];
  }

  #nodesOf(replies: readonly Msg[]): unknown {
    const [reply] = replies;
    if (reply === undefined) return 'no reply';
    if (reply.headers?.code === NO_RESPONDERS) return 'no responders';
    const { nodes, error } = siot.NodesReply.decode(reply.data);
    if (error !== '') return this.#emptied({ error });
    return this.#emptied(
      nodes.map(({ id, type, parent, points, edgePoints, hash }) => ({
        id,
        type,
        parent,
        points: (points ?? []).map(plainOfProto),
        edgePoints: (edgePoints ?? []).map(plainOfProto),
        ...(hash === 0 ? {} : { hash: 'present' }),
      })),
    );
  }

  #emptied(value: unknown): unknown {
    return JSON.parse(this.#empty(JSON.stringify(value)));
  }
}

function plainOfProto(point: siot.Point.$Properties): Plain {
  const { seconds, nanos } = point.time ?? {};
  const time = BigInt(String(seconds ?? 0)) * 1_000_000_000n + BigInt(nanos ?? 0);
  return plain({ ...point, time });
}

/** Members that are zero or empty are left out; what JSON has no word for is text. */
function plain(point: Readonly<Record<string, unknown>>): Plain {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(point)) {
    if (name === 'time') out[name] = String(value);
    else if (value instanceof Uint8Array) {
      if (value.length > 0) out[name] = Buffer.from(value).toString('hex');
    } else if (typeof value === 'number' && !Number.isFinite(value)) out[name] = String(value);
    else if (value !== 0 && value !== '') out[name] = value;
  }
  return out;
}

const NEAR_NS = 600_000_000_000n;

function nearNow(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, member: unknown) => {
    if (name !== 'time' || typeof member !== 'string' || !/^-?\d+$/.test(member)) return member;
    const off = BigInt(member) - BigInt(Date.now()) * 1_000_000n;
    return off > -NEAR_NS && off < NEAR_NS ? '$NOW' : member;
  });
}

/** The versions that the root tells are the recorded machine's own. */
const OWN = new Set(['versionApp', 'versionOS']);

function tidied(nodes: unknown): unknown {
  if (!Array.isArray(nodes)) return nodes;
  return sorted(
    (nearNow(nodes) as Plain[]).map((node) => ({
      ...node,
      points: sorted(
        (node['points'] as Plain[]).map((point) =>
          node['id'] === '$ROOT' && OWN.has(String(point['type']))
            ? { type: point['type'], key: point['key'], time: point['time'] }
            : point,
        ),
      ),
      edgePoints: sorted(node['edgePoints'] as Plain[]),
    })),
  );
}

function sorted(values: readonly unknown[]): unknown[] {
  const keyed = values.map((value) => ({ value, name: canonical(value) }));
  return keyed.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ value }) => value);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
