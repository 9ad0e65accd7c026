import type { Clock } from '../../point/clock.js';
import { within } from '../../point/within.js';
import { headOf } from '../link/restart-report.js';
import { reasonOf } from '../state/disk.js';
import {
  UNDELETE_WITHIN_MS,
  type ConfirmReply,
  type ConfirmRequest,
  type Control,
  type FileReply,
  type FileRequest,
  type GatewayStatus,
  type GatewayView,
  type LinkObserver,
  type LogsReply,
  type LogsRequest,
  type ObserveReply,
  type ObserveRequest,
  type PointInfoReply,
  type PointInfoRequest,
  type Refused,
  type RestartsReply,
  type RestartsRequest,
  type SetReply,
  type SetRequest,
  type UndeleteReply,
  type UndeleteRequest,
} from './control.js';
import type { ControlledGateway } from './controlled.js';
import { fileRequest } from './file-request.js';
import { LinkObservation, observedLink } from './link-observation.js';
import { readLogs } from './read-logs.js';
import { linkNamed, SettingRequest } from './setting-request.js';
import { TimeBudget } from './time-budget.js';
import { nodeToUndelete, undeleteReply } from './undelete-request.js';

/** Time of each second that answers about the status may take, of all faces together. */
const STATUS_MS_A_SECOND = 200;
/** Maximum size of all requests of `set` that wait for SIOT and the disk. */
const MOST_WAITING_BYTES = 2 * 1_048_576;
/** Memory that a request takes besides its own bytes. */
const REQUEST_BYTES = 4_096;

const TOO_BUSY: Refused = {
  state: 'refused',
  reason: 'much is being set at once: try again in a moment',
};

const TOO_MANY_QUESTIONS: Refused = {
  state: 'refused',
  reason: 'much is asked at once: try again in a moment',
};

/** The control interface of a gateway, for its whole life. */
export class GatewayControl implements Control {
  readonly statusTime: TimeBudget;
  readonly #startedMs: number;
  /** Size of the requests whose settings neither SIOT nor the disk has yet. */
  #waitingBytes = 0;
  /** By node ID: who asks for the same while it runs gets the same answer. */
  readonly #undeleting = new Map<string, Promise<UndeleteReply>>();

  constructor(
    private readonly gateway: ControlledGateway,
    private readonly clock: Clock,
  ) {
    this.#startedMs = clock.monotonicMs();
    this.statusTime = new TimeBudget(STATUS_MS_A_SECOND, clock);
  }

  status(): GatewayStatus {
    return this.statusTime.spend(() => {
      const { links, ...head } = this.view();
      const all = links.map((link) => ({ ...link.summary(), pending: [...link.pending(0)] }));
      return { ...head, links: all };
    });
  }

  view(): GatewayView {
    const { identity, outbox, links, siot } = this.gateway;
    const { generation, store, nats, problem, storeProblem } = siot.status;
    const { server } = siot;
    return {
      gateway: {
        ...identity,
        uptimeMs: Math.round(this.clock.monotonicMs() - this.#startedMs),
        outbox: outbox.backlog(),
      },
      siot: {
        generation,
        store,
        ...(storeProblem === undefined ? {} : { problem: storeProblem }),
      },
      nats: {
        state: nats,
        ...(server === undefined ? {} : { server }),
        ...(problem === undefined ? {} : { problem }),
      },
      links: links.all(),
    };
  }

  setRefusal(bytes: number): Refused | undefined {
    // A single request may be larger than the limit.
    const isMore = this.#waitingBytes + bytes + REQUEST_BYTES > MOST_WAITING_BYTES;
    return isMore && this.#waitingBytes > 0 ? TOO_BUSY : undefined;
  }

  async set(
    request: SetRequest,
    answered: (reply: SetReply) => void,
    until: AbortSignal,
  ): Promise<void> {
    const bytes = bytesOf(request);
    const refusal = this.setRefusal(bytes);
    if (refusal !== undefined) {
      answered(refusal);
      return;
    }
    this.#waitingBytes += bytes + REQUEST_BYTES;
    try {
      await new SettingRequest(this.gateway, this.clock, request, answered, until).run();
    } finally {
      this.#waitingBytes -= bytes + REQUEST_BYTES;
    }
  }

  pointInfo(request: PointInfoRequest): PointInfoReply {
    const link = linkNamed(request.link, this.gateway.links);
    if (!('nodeId' in link)) return link;
    if (this.statusTime.isSpent) return TOO_MANY_QUESTIONS;
    return this.statusTime.spend(() => {
      const { pointsVersion: version } = link.summary();
      const points = [...link.infos()].map(({ type, key, info }) => ({
        type,
        ...(key === undefined ? {} : { key }),
        ...info,
      }));
      return { state: 'points', ...(version === undefined ? {} : { version }), points };
    });
  }

  confirm({ link }: ConfirmRequest): ConfirmReply {
    const { links } = this.gateway;
    const found = linkNamed(link, links);
    if (!('nodeId' in found)) return found;
    if (links.confirm(link)) return { state: 'confirmed' };
    const reason = `nothing of ${JSON.stringify(link)} is held back: there is nothing to confirm`;
    return { state: 'refused', reason };
  }

  observe(request: ObserveRequest, observer: LinkObserver, until: AbortSignal): ObserveReply {
    const { links } = this.gateway;
    const link = linkNamed(request.link, links);
    if (!('nodeId' in link)) return link;
    if (!until.aborted) {
      const observation = new LinkObservation(links, link, observer);
      until.addEventListener('abort', () => observation.end(), { once: true });
    }
    return { state: 'observed', link: observedLink(link) };
  }

  logs(request: LogsRequest, mostBytes: number): LogsReply {
    const link = linkNamed(request.link, this.gateway.links);
    if (!('nodeId' in link)) return link;
    return readLogs(link.logRing, request, mostBytes, this.clock);
  }

  watchRemovals(link: string, removed: () => void): () => void {
    return this.gateway.links.watchRemovals((name) => {
      if (name === link) removed();
    });
  }

  async file(request: FileRequest): Promise<FileReply> {
    const link = linkNamed(request.link, this.gateway.links);
    if (!('nodeId' in link)) return link;
    return fileRequest(request, link.files);
  }

  async restarts(request: RestartsRequest): Promise<RestartsReply> {
    const link = linkNamed(request.link, this.gateway.links);
    if (!('nodeId' in link)) return link;
    try {
      const files = await link.restarts();
      const restarts = files.flatMap(({ path, head }) => {
        const said = headOf(head);
        return said === undefined ? [] : [{ time: String(said.ns), why: said.why, path }];
      });
      return { state: 'restarts', restarts };
    } catch (error) {
      return { state: 'refused', reason: `the files cannot be read: ${reasonOf(error)}` };
    }
  }

  undelete(request: UndeleteRequest): Promise<UndeleteReply> {
    const node = nodeToUndelete(request, this.gateway);
    if (!('nodeId' in node)) return Promise.resolve(node);
    const { nodeId } = node;
    let running = this.#undeleting.get(nodeId);
    if (running === undefined) {
      running = this.#undelete(nodeId, request).finally(() => this.#undeleting.delete(nodeId));
      this.#undeleting.set(nodeId, running);
    }
    return running;
  }

  async #undelete(nodeId: string, request: UndeleteRequest): Promise<UndeleteReply> {
    const { siot, identity } = this.gateway;
    const result = await within(UNDELETE_WITHIN_MS, this.clock, siot.undelete(nodeId));
    if (result !== 'late') return undeleteReply(result, request, identity.id);
    return { state: 'unconfirmed', reason: 'SIOT did not answer in time' };
  }
}

function bytesOf({ link, type, key, value }: SetRequest): number {
  const texts = [link, type, key, 'text' in value ? value.text : ''];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
