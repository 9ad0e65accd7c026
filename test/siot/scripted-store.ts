/**
 * A store whose answers a test decides: for misbehaviour and for exact
 * sequences. How real stores behave is test/siot-store's business.
 */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { siot } from '#proto/siot.js';
import { canonicalKey, numberOf, textOf, type Point } from '../../src/point/point.js';
import type { Generation, SiotWire } from '../../src/siot/wire/wire.js';
import { WIRES } from '../../src/siot/wire/wires.js';

interface Node {
  type: string;
  readonly points: Map<string, Point>;
  /** Tombstone by parent. */
  readonly edges: Map<string, number>;
}

export interface Received {
  readonly subject: string;
  readonly points: readonly Point[];
  readonly answer: string | undefined;
}

const ROOT = 'root-1';

export class ScriptedStore {
  readonly nodes = new Map<string, Node>();
  /** All writes of points, in order. */
  readonly received: Received[] = [];
  /** Writes of points that were met with silence. */
  readonly unanswered: Msg[] = [];
  /** All subjects that were written or asked for, in order. */
  readonly subjects: string[] = [];
  /** What a write of points is answered; '' takes it, undefined is silence, several are several replies. */
  answer: (points: readonly Point[], subject: string) => string | string[] | undefined = () => '';
  /** The same of queries: silence, or an error text. */
  answerQuery: (subject: string) => string | undefined = () => '';
  readonly #wire: SiotWire;
  #subscriptions: Subscription[] = [];

  private constructor(
    private readonly client: NatsConnection,
    readonly generation: Generation,
  ) {
    this.#wire = WIRES[generation];
    this.nodes.set(ROOT, { type: 'device', points: new Map(), edges: new Map([['root', 0]]) });
    const version = generation === 1 ? '0.18.5' : '0.25.0';
    this.store(ROOT, { ...blank('versionApp'), value: { kind: 'string', text: version } });
  }

  static async start(
    client: NatsConnection,
    generation: Generation,
    nodes?: ReadonlyMap<string, Node>,
  ): Promise<ScriptedStore> {
    const store = new ScriptedStore(client, generation);
    for (const [id, node] of nodes ?? []) store.nodes.set(id, node);
    await store.resume();
    return store;
  }

  async resume(): Promise<void> {
    const on = (subject: string, heard: (message: Msg) => void): void => {
      this.#subscriptions.push(
        this.client.subscribe(subject, { callback: (_error, message) => heard(message) }),
      );
    };
    on('auth.getNatsURI', (message) => message.respond(this.#uri()));
    on('nodes.*.*', (message) => this.#query(message));
    if (this.generation === 1) {
      on('p.*', (message) => this.#points(message));
      on('p.*.*', (message) => this.#edge(message));
    } else {
      on('p.*.*.*', (message) => this.#points(message));
      on('p.*', (message) => message.respond('error decoding node points subject'));
      on('ep.*.*', (message) => this.#edge(message));
    }
    await this.client.flush();
  }

  /** As if the server had gone: nobody answers. */
  async pause(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
    await this.client.flush();
  }

  /** Queries are answered, and nobody listens for writes. */
  async pauseWrites(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(2)) subscription.unsubscribe();
    await this.client.flush();
  }

  get accepted(): Received[] {
    return this.received.filter(({ answer }) => answer === '');
  }

  numbers(type: string): number[] {
    return this.accepted.flatMap(({ points }) =>
      points.filter((p) => p.type === type).map((p) => numberOf(p.value)),
    );
  }

  store(id: string, point: Point): void {
    const node = this.#node(id);
    node.points.set(`${point.type} ${canonicalKey(point.key)}`, point);
  }

  /** As somebody else would delete or undelete a node. */
  publishEdge(id: string, parent: string, tombstone: number): void {
    const point = { ...blank('tombstone'), value: { kind: 'float', number: tombstone } } as const;
    this.#node(id).edges.set(parent, tombstone);
    this.client.publish(this.#wire.edgeSubject(id, parent), this.#wire.encode([point]));
  }

  #node(id: string): Node {
    let node = this.nodes.get(id);
    if (node === undefined) {
      node = { type: '', points: new Map(), edges: new Map() };
      this.nodes.set(id, node);
    }
    return node;
  }

  #uri(): Uint8Array {
    const text = (type: string, value: string): Point => ({
      ...blank(type),
      value: { kind: 'string', text: value },
    });
    return this.#wire.encode([text('uri', 'nats://127.0.0.1:4222'), text('token', 'secret')]);
  }

  #points(message: Msg): void {
    this.subjects.push(message.subject);
    const points = this.#wire.decode(message.data)?.points;
    if (points === undefined) {
      message.respond('error decoding node points subject');
      return;
    }
    const given = this.answer(points, message.subject);
    const [answer, ...more] = Array.isArray(given) ? given : [given];
    this.received.push({ subject: message.subject, points, answer });
    const id = message.subject.split('.')[1] ?? '';
    if (answer === '') for (const point of points) this.store(id, point);
    if (answer !== undefined) message.respond(answer);
    else this.unanswered.push(message);
    for (const second of more) message.respond(second);
  }

  #edge(message: Msg): void {
    this.subjects.push(message.subject);
    const [, id = '', parent = ''] = message.subject.split('.');
    const node = this.#node(id);
    for (const point of this.#wire.decode(message.data)?.points ?? []) {
      if (point.type === 'tombstone') node.edges.set(parent, numberOf(point.value));
      if (point.type === 'nodeType') node.type = textOf(point.value);
    }
    message.respond();
  }

  #query(message: Msg): void {
    this.subjects.push(message.subject);
    const answer = this.answerQuery(message.subject);
    if (answer === undefined) return;
    if (answer !== '') {
      message.respond(siot.NodesReply.encode({ error: answer }).finish());
      return;
    }
    const [, parent = '', id = ''] = message.subject.split('.');
    const withDeleted = message.data.length > 4;
    const nodes: siot.Node.$Properties[] = [];
    for (const [nodeId, node] of this.nodes) {
      for (const [up, tombstone] of node.edges) {
        if (tombstone === 1 && !withDeleted) continue;
        if (parent === 'root' ? up !== 'root' : nodeId !== id) continue;
        nodes.push(this.#encode(nodeId, node, up, tombstone));
      }
    }
    message.respond(siot.NodesReply.encode({ nodes }).finish());
  }

  #encode(id: string, node: Node, parent: string, tombstone: number): siot.Node.$Properties {
    return {
      id,
      type: node.type,
      parent,
      hash: this.generation === 1 ? -2 : 0,
      points: [...node.points.values()].map((point) => this.#stored(point)),
      edgePoints: [
        this.#stored({ ...blank('tombstone'), value: { kind: 'float', number: tombstone } }),
      ],
    };
  }

  #stored(point: Point): siot.Point.$Properties {
    const time = {
      seconds: Number(point.time / 1_000_000_000n),
      nanos: Number(point.time % 1_000_000_000n),
    };
    const { type, tombstone, origin, value } = point;
    const frame = { type, key: canonicalKey(point.key), time, tombstone, origin };
    if (this.generation === 1) return { ...frame, value: numberOf(value), text: textOf(value) };
    if (value.kind === 'float') {
      const data = Buffer.alloc(8);
      data.writeDoubleLE(value.number);
      return { ...frame, dataType: 1, data };
    }
    return { ...frame, dataType: 3, data: Buffer.from(textOf(value)) };
  }
}

function blank(type: string): Point {
  return { type, key: '0', time: 1n, value: { kind: 'none' }, tombstone: 0, origin: '' };
}
