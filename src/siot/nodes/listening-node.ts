import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import type { BestEffortPublisher, BestEffortSource } from '../publishing/best-effort-publisher.js';
import type { Connection } from '../connection/connection.js';
import type { DropCause } from '../publishing/publish-state.js';
import { UNSET_NS } from '../wire/generation1.js';
import type { Publisher } from '../publishing/publisher.js';
import type { NodeEvents, NodeLife } from './kept-node.js';
import type { NodeKeeper } from './nodes.js';
import type { SiotWire } from '../wire/wire.js';

/** The node of a link. */
export interface SiotNodeSpec {
  /** One subject token. */
  readonly id: string;
  readonly type: string;
  /** Written when the node is made, and never again; blank: the name. */
  readonly description: string;
  /** Name of the link, for the log. */
  readonly name: string;
  /** ID of the node whose consumers get its high-rate samples; `undefined`: the gateway's parent. */
  readonly highRateNode?: string;
}

/** What happens to a link's node. */
export interface SiotNodeEvents {
  /** Points that somebody else publishes on the node, unchanged; their origin and time are not checked. */
  heard(points: readonly Point[]): void;
  /**
   * All points of the node in the store were read: at start, after each reconnection, and
   * when SIOT or the node comes back. The link puts the points that the store lacks into
   * the outbox once more. `everything`: it puts the newest of each point there. The reason
   * is that a store answered for the first time, that it did not have this node, or that a
   * deleted node was undeleted.
   */
  read(points: readonly Point[], everything: boolean): void;
  life(life: NodeLife): void;
  /** Whether a point in the outbox must not be published any more. Hot: called for each point. */
  withholds?(point: Point): boolean;
  /** Points of the node were given up. Already logged. */
  dropped?(cause: DropCause, points: readonly Point[]): void;
  /** High-rate packets were thrown away. `why`: for people. */
  streamDropped?(packets: number, why: string): void;
}

/** The node of a link, as its link uses it. */
export interface SiotNode {
  readonly life: NodeLife;
  /** Publishes points of which only the latest value counts. They overtake the points in the outbox. */
  status(points: readonly Point[]): void;
  /**
   * Publishes the payload of a high-rate packet, best effort, beside the outbox. The bytes
   * must not be changed afterwards. Hot.
   */
  stream(payload: Uint8Array): void;
  /** The points of each live node of a type below this one; or why they cannot be read, for people. */
  children(type: string): Promise<readonly (readonly Point[])[] | string>;
  /** Reads the node once more ({@link SiotNodeEvents.read}), to be called after messages on it were skipped. */
  readAgain(): void;
  /**
   * Stops listening to the node, since its link has left the configuration. Resolves when
   * its last points are delivered, after 5 s at most.
   */
  remove(): Promise<void>;
}

/** What a link's node works with. */
interface NodeServices {
  readonly connection: Connection;
  readonly keeper: NodeKeeper;
  readonly publisher: Publisher;
  readonly streams: BestEffortPublisher;
  readonly clock: Clock;
  readonly log: Log;
}

/** Ends the life of a link's node. */
export interface ListeningNodeHost {
  /** The node's link has left the configuration. Resolves as {@link SiotNode.remove} does. */
  removed(node: ListeningNode): Promise<void>;
  /**
   * ID of the node whose consumers get high-rate samples by default; `undefined`: it is not
   * known yet, and SIOT is asked for it.
   */
  defaultHighRateNode(): string | undefined;
}

/** A link's node: what others publish on it, and what its link publishes. */
export class ListeningNode implements SiotNode, NodeEvents, BestEffortSource {
  #life: NodeLife = 'unknown';
  #unsubscribe: (() => void)[] = [];
  #streamsTo: string | undefined;
  #streamSubject = '';

  constructor(
    readonly spec: SiotNodeSpec,
    readonly events: SiotNodeEvents,
    private readonly host: ListeningNodeHost,
    private readonly services: NodeServices,
  ) {}

  get life(): NodeLife {
    return this.#life;
  }

  lifeChanged(life: NodeLife): void {
    this.#life = life;
    this.events.life(life);
  }

  read(points: readonly Point[], everything: boolean): void {
    this.events.read(points, everything);
  }

  /** Subscribes anew, since SIOT speaks this generation now. */
  listen(wire: SiotWire): void {
    const { spec } = this;
    const { connection, keeper, log } = this.services;
    this.#stopListening();
    this.#unsubscribe = [
      connection.subscribe(wire.pointSubscription(spec.id), ({ data }) => {
        const pieces = wire.pieces(data);
        let odd = 0;
        for (const piece of pieces ?? []) {
          odd += piece.odd;
          if (piece.points.length > 0) this.events.heard(this.#stamped(wire, piece.points));
        }
        if (pieces !== undefined && odd === 0) return;
        const fields = { nodeId: spec.id, link: spec.name, odd };
        log.debug(fields, 'a message on the node could not be read whole');
      }),
      connection.subscribe(wire.edgeSubscription(spec.id), () => keeper.edgeChanged(spec.id)),
    ];
  }

  status(points: readonly Point[]): void {
    this.services.publisher.putStatus(this.spec.id, points);
  }

  stream(payload: Uint8Array): void {
    this.services.streams.put(this, payload);
  }

  /** Where its high-rate samples go (docs/siot.md, 2.5). */
  subject(): string | undefined {
    const to = this.spec.highRateNode ?? this.host.defaultHighRateNode();
    if (to === undefined) return undefined;
    // Making it anew for each packet would cost as much as the rest of its way.
    if (to !== this.#streamsTo) this.#streamSubject = `phrup.${to}.${this.spec.id}`;
    this.#streamsTo = to;
    return this.#streamSubject;
  }

  /** See `BestEffortSource`. */
  dropped(messages: number, why: string): void {
    this.events.streamDropped?.(messages, why);
  }

  children(type: string): Promise<readonly (readonly Point[])[] | string> {
    return this.services.keeper.children(this.spec.id, type);
  }

  readAgain(): void {
    this.services.keeper.readAgain(this.spec.id);
  }

  remove(): Promise<void> {
    this.#stopListening();
    this.services.streams.forget(this);
    return this.host.removed(this);
  }

  /**
   * Replaces the time that means "now" in generation 1 by the present time, as SIOT's store
   * does (docs/siot.md, 1.5).
   */
  #stamped({ generation }: SiotWire, points: readonly Point[]): readonly Point[] {
    if (generation !== 1) return points;
    return points.map((point) =>
      point.time === UNSET_NS ? { ...point, time: this.services.clock.wallNs() } : point,
    );
  }

  #stopListening(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
  }
}
