/** NATS as anyone sees it: a client of the tests' own, with its own reading of SIOT's wire. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  decodeNodes,
  decodePoints,
  edgeSubject,
  encodePoints,
  pointSubject,
  type Generation,
  type SiotNode,
  type SiotPoint,
  type WrittenPoint,
} from './points.js';
import { SLOWNESS } from '../support/slowness.js';
import { until } from '../support/until.js';

export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
}

const NO_PARAMETERS = new Uint8Array(0);

/** "" and "0" are one key (docs/siot.md, 1.2). */
const keyOf = (key: string): string => (key === '' ? '0' : key);

export const find = (
  points: readonly SiotPoint[],
  type: string,
  key = '0',
): SiotPoint | undefined =>
  points.find((point) => point.type === type && keyOf(point.key) === keyOf(key));

export class NatsClient {
  /** What a subscription to everything has seen, oldest first; empty before {@link listen}. */
  readonly seen: Message[] = [];

  private constructor(private readonly nats: NatsConnection) {}

  static async connect(url: string, token?: string): Promise<NatsClient> {
    const nats = await connect({
      servers: url,
      reconnect: false,
      ...(token === undefined || token === '' ? {} : { token }),
    });
    return new NatsClient(nats);
  }

  async close(): Promise<void> {
    await this.nats.close();
  }

  /**
   * From now on all points are kept in `seen`. Not simply everything: who listens
   * to requests as well keeps NATS from saying that nobody answers them.
   */
  async listen(subjects: readonly string[] = ['p.>', 'ep.>', 'up.>']): Promise<void> {
    for (const subject of subjects) {
      this.nats.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) return;
          this.seen.push({ subject: message.subject, data: Uint8Array.from(message.data) });
        },
      });
    }
    await this.nats.flush();
  }

  async request(subject: string, payload: Uint8Array = NO_PARAMETERS): Promise<Uint8Array> {
    return (await this.nats.request(subject, payload, { timeout: 5_000 * SLOWNESS })).data;
  }

  async publish(subject: string, payload: Uint8Array): Promise<void> {
    this.nats.publish(subject, payload);
    await this.nats.flush();
  }

  /** Answers `subject`; the returned function ends it. */
  async answer(subject: string, reply: (message: Message) => Uint8Array): Promise<() => void> {
    const subscription = this.nats.subscribe(subject, {
      callback: (error, message) => {
        if (error === null)
          message.respond(reply({ subject: message.subject, data: message.data }));
      },
    });
    await this.nats.flush();
    return () => subscription.unsubscribe();
  }

  /** Points that were published on a node: not what the store fanned out. */
  pointsOn(generation: Generation, nodeId: string): SiotPoint[] {
    const isOf = (subject: string): boolean =>
      generation === 1 ? subject === `p.${nodeId}` : subject.startsWith(`p.${nodeId}.`);
    return this.seen
      .filter(({ subject }) => isOf(subject))
      .flatMap(({ data }) => decodePoints(generation, data));
  }

  /** A person, or another client, sets points; throws what the store objects. */
  async set(generation: Generation, nodeId: string, point: WrittenPoint): Promise<void> {
    await this.#write(
      pointSubject(generation, nodeId, point),
      encodePoints(generation, [{ origin: 'user-1', ...point }]),
    );
  }

  /** As {@link set}, where no store answers. */
  async setUnanswered(generation: Generation, nodeId: string, point: WrittenPoint): Promise<void> {
    await this.publish(
      pointSubject(generation, nodeId, point),
      encodePoints(generation, [{ origin: 'user-1', ...point }]),
    );
  }

  async setEdge(
    generation: Generation,
    nodeId: string,
    parentId: string,
    points: readonly WrittenPoint[],
  ): Promise<void> {
    await this.#write(
      edgeSubject(generation, nodeId, parentId),
      encodePoints(
        generation,
        points.map((point) => ({ origin: 'user-1', ...point })),
      ),
    );
  }

  /** With a live edge to each of its parents (docs/siot.md, 4.5). */
  async nodes(query: string): Promise<SiotNode[]> {
    return decodeNodes(await this.request(`nodes.${query}`)).filter(({ edgePoints }) => {
      return find(edgePoints, 'tombstone')?.number !== 1;
    });
  }

  async rootId(): Promise<string> {
    const [root] = await this.nodes('root.all');
    if (root === undefined) throw new Error('the instance has no root node');
    return root.id;
  }

  /** The node under its first parent, once it is there. */
  node(nodeId: string): Promise<SiotNode> {
    return until(
      async () => (await this.nodes(`all.${nodeId}`))[0],
      `the node ${nodeId} to be in the store`,
    );
  }

  /** A point that the store has, once `matches` holds for it. */
  async stored(
    nodeId: string,
    type: string,
    key = '0',
    matches: (point: SiotPoint) => boolean = () => true,
    withinMs?: number,
  ): Promise<SiotPoint> {
    let last: SiotPoint | undefined;
    return until(
      async () => {
        const [node] = await this.nodes(`all.${nodeId}`);
        last = find(node?.points ?? [], type, key);
        return last !== undefined && matches(last) ? last : undefined;
      },
      () => `${type}/${key} of ${nodeId} in the store as wanted; it has ${show(last)}`,
      withinMs,
    );
  }

  async #write(subject: string, payload: Uint8Array): Promise<void> {
    const reply = Buffer.from(await this.request(subject, payload)).toString('utf8');
    if (reply !== '') throw new Error(`the store replied to ${subject}: ${reply}`);
  }
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? inner.toString() : inner,
  );
