import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import type { Connection } from '../connection/connection.js';
import type { DropCause } from '../publishing/publish-state.js';
import { UNSET_NS } from '../wire/generation1.js';
import type { NodeLife } from './kept-node.js';
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

interface Surroundings {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
  readonly edgeChanged: () => void;
  readonly readAgain: () => void;
  readonly status: (points: readonly Point[]) => void;
  readonly removed: () => Promise<void>;
}

/** A link's node: what others publish on it, and what its link publishes. */
export class ListeningNode implements SiotNode {
  #life: NodeLife = 'unknown';
  #stop: (() => void)[] = [];

  constructor(
    readonly spec: SiotNodeSpec,
    readonly events: SiotNodeEvents,
    private readonly around: Surroundings,
  ) {}

  get life(): NodeLife {
    return this.#life;
  }

  setLife(life: NodeLife): void {
    this.#life = life;
    this.events.life(life);
  }

  listen(wire: SiotWire): void {
    const { connection, edgeChanged } = this.around;
    this.#deafen();
    this.#stop = [
      connection.subscribe(wire.pointSubscription(this.spec.id), (message) => {
        this.#heard(wire, message.data);
      }),
      connection.subscribe(wire.edgeSubscription(this.spec.id), edgeChanged),
    ];
  }

  status(points: readonly Point[]): void {
    this.around.status(points);
  }

  readAgain(): void {
    this.around.readAgain();
  }

  remove(): Promise<void> {
    this.#deafen();
    return this.around.removed();
  }

  #heard(wire: SiotWire, payload: Uint8Array): void {
    const pieces = wire.pieces(payload);
    let odd = 0;
    for (const piece of pieces ?? []) {
      odd += piece.odd;
      if (piece.points.length > 0) this.events.heard(this.#stamped(wire, piece.points));
    }
    if (pieces === undefined || odd > 0) {
      const { id: nodeId, name } = this.spec;
      this.around.log.debug(
        { nodeId, link: name, odd },
        'a message on the node could not be read whole',
      );
    }
  }

  /** Generation 1's way to say "now": its store does the same (docs/siot.md, 1.5). */
  #stamped({ generation }: SiotWire, points: readonly Point[]): readonly Point[] {
    if (generation !== 1) return points;
    return points.map((point) =>
      point.time === UNSET_NS ? { ...point, time: this.around.clock.wallNs() } : point,
    );
  }

  #deafen(): void {
    for (const stop of this.#stop) stop();
    this.#stop = [];
  }
}
