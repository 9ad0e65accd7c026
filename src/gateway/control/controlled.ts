/** What the control interface needs of the gateway: the parts of it implement this. */
import type { Point } from '../../point/point.js';
import type { SiotStatus, Undeleted } from '../../siot/siot.js';
import type { LinkFiles } from '../link/link-files.js';
import type { Link } from '../link/link.js';
import type { GatewayIdentity, OutboxBacklog } from './control.js';

/** Implemented by `Gateway`. */
export interface ControlledGateway {
  readonly identity: GatewayIdentity;
  readonly outbox: ControlledOutbox;
  readonly links: ControlledLinks;
  readonly siot: ControlledSiot;
}

/** Implemented by `Links`. */
export interface ControlledLinks {
  /** In the order in which people see them. */
  all(): readonly ControlledLink[];
  /** False: nothing of that link is held back, so that there is nothing to confirm. */
  confirm(name: string): boolean;
  /**
   * Tells `removed` the name of each link that ends and is not made anew, until the
   * returned function is called. Of a changed configuration it is told once that is applied.
   */
  watchRemovals(removed: (name: string) => void): () => void;
}

/** Implemented by `OutboxService`. */
export interface ControlledOutbox {
  backlog(): OutboxBacklog;
}

/** Implemented by `SiotService`. */
export interface ControlledSiot {
  readonly status: SiotStatus;
  /** Host and port of the nats-server that the gateway is connected to. */
  readonly server: string | undefined;
  /** Rejects with a `SettingError` where SIOT does not take it, or may not have. */
  publishSetting(nodeId: string, point: Point): Promise<void>;
  /** See `Siot.undelete`. */
  undelete(nodeId: string): Promise<Undeleted>;
}

/** A link, as far as it can be asked for its status, be set and be given files. */
export type ControlledLink = Pick<
  Link,
  | 'name'
  | 'nodeId'
  | 'summary'
  | 'pendingCount'
  | 'pending'
  | 'whyNotSet'
  | 'settingTime'
  | 'valueOfWord'
  | 'announce'
  | 'withdraw'
  | 'readAgain'
  | 'infoOf'
  | 'infos'
  | 'set'
  | 'keep'
  | 'watchSettings'
  | 'reason'
  | 'awaitsAck'
  | 'tap'
  | 'logRing'
  | 'restarts'
  | 'format'
> & {
  readonly files: Pick<
    LinkFiles,
    'ready' | 'begin' | 'chunk' | 'send' | 'forget' | 'abort' | 'progress'
  >;
};
