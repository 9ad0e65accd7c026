/** What `siot-mcu watch` follows: the links of a gateway, their points and pending settings. */
import type { StatusReply } from '../gateway/control/verbs/status-request.js';
import type { PointInfoEntry } from '../gateway/control/control.js';
import { canonicalKey, type Point } from '../point/point.js';
import type { SiotWire } from '../siot/wire/wire.js';
import { WIRES } from '../siot/wire/wires.js';
import { CliError } from './errors.js';
import type { GatewayClient } from './gateway-client.js';
import { findLink } from './links.js';
import type { WatchEvent } from './watch-lines.js';
import { linkNews, natsNews, settingNews, siotNews } from './watch-news.js';
import type { LinkStatus, PendingSetting } from '../gateway/link/status.js';

/** What a {@link GatewayWatch} needs of the gateway. */
export type WatchedGateway = Pick<
  GatewayClient,
  'connected' | 'problem' | 'status' | 'subscribe' | 'pointInfo'
>;

/** Gets what a {@link GatewayWatch} finds. */
export interface WatchListener {
  /** Something is new. */
  heard(event: WatchEvent): void;
  /** The status was read again, with the links that are watched. */
  looked(status: StatusReply): void;
  /** The status could not be read; the reason is for people. */
  lost(problem: string): void;
}

const LOOK_EVERY_MS = 1_000;
/** Links whose points are asked about in one look. */
const MOST_ASKED = 5;

/** What is known of the points of a link. */
interface LinkInfo {
  readonly version: string;
  readonly points: readonly PointInfoEntry[];
}

/** Of the point itself, or else of all points of its type. */
function infoOf(link: LinkInfo | undefined, { type, key }: Point): PointInfoEntry | undefined {
  const ofType = link?.points.filter((entry) => entry.type === type) ?? [];
  return (
    ofType.find((entry) => entry.key === canonicalKey(key)) ??
    ofType.find((entry) => entry.key === undefined)
  );
}

/** Looks at the status once a second, listens to the points of the links, and tells what is new. */
export class GatewayWatch {
  /** Functions that end the subscriptions, by generation, node ID and link. */
  readonly #subscriptions = new Map<string, () => void>();
  /** What was last told of each link: see {@link linkNews}. */
  readonly #links = new Map<string, string>();
  readonly #pending = new Map<
    string,
    { readonly link: string; readonly setting: PendingSetting }
  >();
  /** What is known of the points of each link, by name. */
  readonly #infos = new Map<string, LinkInfo>();
  #note = '';
  #left = '';
  #siot = '';
  /** What was last told of the gateway's own connection to NATS. */
  #nats = '';

  constructor(
    private readonly client: WatchedGateway,
    private readonly only: string | undefined,
    private readonly listener: WatchListener,
  ) {}

  /**
   * Runs until the program ends. Throws a {@link CliError} if the gateway does not answer
   * at first, or has no such link.
   */
  async run(): Promise<never> {
    const first = await this.client.status({ pending: this.only ?? true });
    if (this.only !== undefined) findLink(first.links, this.only);
    await this.#take(first);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    try {
      if (!this.client.connected) throw new CliError(this.client.problem);
      await this.#take(await this.client.status({ pending: this.only ?? true }));
      this.#tell('');
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      this.listener.lost(error.message);
      this.#tell(error.message);
    }
  }

  async #take(status: StatusReply): Promise<void> {
    const links = status.links.filter(({ name }) => this.only === undefined || name === this.only);
    await this.#learn(links);
    this.#show({ ...status, links });
  }

  /** Asks for names and units where they have changed; of a few links at a time. */
  async #learn(links: readonly LinkStatus[]): Promise<void> {
    const changed = links.filter(
      ({ name, pointsVersion }) =>
        pointsVersion !== undefined && pointsVersion !== this.#infos.get(name)?.version,
    );
    for (const { name, pointsVersion: version } of changed.slice(0, MOST_ASKED)) {
      const reply = await this.client.pointInfo(name);
      if (reply.state !== 'points' || version === undefined) continue;
      this.#infos.set(name, { version, points: reply.points });
    }
  }

  #tell(note: string): void {
    if (note === this.#note) return;
    this.listener.heard({ kind: 'note', text: note === '' ? 'the gateway answers again' : note });
    this.#note = note;
  }

  /** `status`: with the links that are watched. */
  #show(status: StatusReply): void {
    const siot = siotNews(status.siot);
    if (siot !== this.#siot) this.listener.heard({ kind: 'siot', siot: status.siot });
    this.#siot = siot;
    const nats = natsNews(status.nats);
    if (nats !== this.#nats) this.listener.heard({ kind: 'nats', nats: status.nats });
    this.#nats = nats;
    const { links } = status;
    this.listener.looked(status);
    this.#follow(links, WIRES[status.siot.generation]);
    for (const link of links) {
      const news = linkNews(link);
      if (news !== this.#links.get(link.name)) this.listener.heard({ kind: 'link', status: link });
      this.#links.set(link.name, news);
    }
    this.#showPending(links);
    this.#showLeft(links, status.linksLeft ?? 0);
  }

  /** Says which links and settings are left out, since the pages of the status had no room for them. */
  #showLeft(links: readonly LinkStatus[], linksLeft: number): void {
    const parts = links
      .filter(({ pendingLeft }) => pendingLeft !== undefined)
      .map(({ name, pendingLeft = 0 }) => `${pendingLeft} more pending settings of ${name}`);
    if (linksLeft > 0) parts.push(`${linksLeft} more links`);
    const left = parts.length === 0 ? '' : `not shown: ${parts.join(', ')}`;
    if (left !== this.#left) {
      this.listener.heard({ kind: 'note', text: left === '' ? 'everything is shown again' : left });
    }
    this.#left = left;
  }

  #showPending(links: readonly LinkStatus[]): void {
    const seen = new Set<string>();
    const cut = new Set(
      links.filter(({ pendingLeft }) => pendingLeft !== undefined).map(({ name }) => name),
    );
    for (const { name: link, pending } of links) {
      for (const setting of pending) {
        const id = JSON.stringify([link, setting.type, canonicalKey(setting.key)]);
        seen.add(id);
        const before = this.#pending.get(id);
        this.#pending.set(id, { link, setting });
        if (before !== undefined && settingNews(before.setting) === settingNews(setting)) continue;
        this.listener.heard({ kind: 'pending', link, setting });
      }
    }
    for (const [id, { link, setting }] of this.#pending) {
      // If the link's list was cut, the setting may still be pending.
      if (seen.has(id) || cut.has(link)) continue;
      this.#pending.delete(id);
      this.listener.heard({ kind: 'settled', link, setting });
    }
  }

  /** Subscribes to each link's node, on the subjects of the generation in use. */
  #follow(links: readonly LinkStatus[], wire: SiotWire): void {
    const wanted = new Set<string>();
    for (const { name: link, nodeId } of links) {
      const id = `${wire.generation} ${nodeId} ${link}`;
      wanted.add(id);
      if (this.#subscriptions.has(id)) continue;
      const end = this.client.subscribe(wire.pointSubscription(nodeId), ({ data }) => {
        for (const point of wire.decode(data)?.points ?? []) {
          const info = infoOf(this.#infos.get(link), point);
          this.listener.heard({ kind: 'point', link, nodeId, point, ...(info && { info }) });
        }
      });
      this.#subscriptions.set(id, end);
    }
    for (const [id, end] of this.#subscriptions) {
      if (wanted.has(id)) continue;
      end();
      this.#subscriptions.delete(id);
    }
  }
}
