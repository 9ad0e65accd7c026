import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import type { Connection } from '../connection/connection.js';
import type { DropCause } from '../publishing/publish-state.js';
import { UNSET_NS } from '../wire/generation1.js';
import type { Publisher } from '../publishing/publisher.js';
import type { NodeEvents, NodeLife } from './kept-node.js';
import type { NodeKeeper } from './nodes.js';
import type { SiotWire } from '../wire/wire.js';

export interface SiotNodeSpec {
  /** One subject token. */
  readonly id: string;
  readonly type: string;
  /** Written when the node is made, and not again; blank: the name. */
  readonly description: string;
  /** Of the link, for the log. */
  readonly name: string;
}

export interface SiotNodeEvents {
  /** Points that somebody else publishes on the node, as they are; neither their origin nor their time is judged. */
  heard(points: readonly Point[]): void;
  /**
   * All points of the node as the store has it: at start, after each
   * reconnection, and when SIOT or the node comes back. What it lacks has to be put into
   * the outbox once more; `everything`: the newest of each point, since a store answered
   * for the first time or without this node, or a deleted node lives again.
   */
  read(points: readonly Point[], everything: boolean): void;
  life(life: NodeLife): void;
  /** Whether a point that is in the outbox must not go out any more. Hot: asked for each point. */
  withholds?(point: Point): boolean;
  /** Points of the node that were given up, for whoever counts. Already logged. */
  dropped?(cause: DropCause, points: readonly Point[]): void;
}

export interface SiotNode {
  readonly life: NodeLife;
  /** Points of which only the latest counts; they overtake those in the outbox. */
  status(points: readonly Point[]): void;
  /** Something that others published was not looked at: what the store has is {@link SiotNodeEvents.read}. */
  readAgain(): void;
  /**
   * The link has left the configuration: nothing is heard any more. Resolves
   * when what there was to be published is delivered, or cannot be now.
   */
  remove(): Promise<void>;
}

/** What a link's node works with. */
interface NodeServices {
  readonly connection: Connection;
  readonly keeper: NodeKeeper;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ListeningNodeHost {
  /** The node's link has left the configuration. Resolves as {@link SiotNode.remove} does. */
  removed(node: ListeningNode): Promise<void>;
}

/** A link's node: what others publish on it, and what its link publishes. */
export class ListeningNode implements SiotNode, NodeEvents {
  #life: NodeLife = 'unknown';
  #unsubscribe: (() => void)[] = [];

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

  readAgain(): void {
    this.services.keeper.readAgain(this.spec.id);
  }

  remove(): Promise<void> {
    this.#stopListening();
    return this.host.removed(this);
  }

  /** Generation 1's way to say "now": its store does the same (docs/siot.md, 1.5). */
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
