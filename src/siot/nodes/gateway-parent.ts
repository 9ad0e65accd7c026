import type { Log } from '../../point/log.js';
import type { StoreClient } from './store-client.js';

/** The node below which the gateway's node is made (`siot.parent`). */
export class GatewayParent {
  /** Whether the store has said that there is no such node. Already logged. */
  isMissing = false;
  /** ID of the root node, as it was read last. */
  #rootId: string | undefined;

  constructor(
    /** `root`, or the ID of a node. */
    readonly id: string,
    private readonly log: Log,
  ) {}

  /** Its ID as far as it is known; `undefined`: SIOT has not said yet which node is the root. */
  get known(): string | undefined {
    return this.id === 'root' ? this.#rootId : this.id;
  }

  /** Another store may have another root. */
  forget(): void {
    this.isMissing = false;
    this.#rootId = undefined;
  }

  /**
   * ID of the parent; `undefined`: it does not exist, or cannot be read. It is looked for
   * because SIOT accepts a parent that does not exist, and the node cannot be reached then.
   * A node with the parent `root` would replace SIOT's root node (docs/siot.md, 4.9).
   */
  async find(store: StoreClient): Promise<string | undefined> {
    const { id, log } = this;
    if (id === 'root') {
      const rootId = await store.rootId();
      if (rootId === undefined) log.warn({}, "SIOT's root node could not be read");
      else this.#rootId = rootId;
      return rootId;
    }
    const found = await store.find(id);
    if (found.life === 'alive') {
      this.isMissing = false;
      return id;
    }
    if (found.life !== 'unknown' && !this.isMissing) {
      this.isMissing = true;
      const is = found.life === 'deleted' ? 'was deleted in SIOT' : 'does not exist in SIOT';
      log.error(
        { parent: id },
        `siot.parent: the node ${id} ${is}: set the ID of one that does, or root. No nodes are made until then`,
      );
    }
    return undefined;
  }
}
