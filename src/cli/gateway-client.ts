/**
 * Asks the running gateway over NATS: both have the same configuration (docs/contract.md,
 * "Between the commands and the daemon").
 */
import type { GatewayConfig } from '../gateway/config/config.js';
import {
  UNDELETE_WITHIN_MS,
  type ConfirmReply,
  type ConfirmRequest,
  type LogsReply,
  type LogsRequest,
  type PointInfoEntry,
  type PointInfoReply,
  type RestartsReply,
  type RestartsRequest,
  type SetReply,
  type SetRequest,
  type UndeleteReply,
  type UndeleteRequest,
} from '../gateway/control/control.js';
import { verbSubject } from '../gateway/control/nats/protocol.js';
import type { FileVerbReply, FileVerbRequest } from '../gateway/control/verbs/file-message.js';
import type { PointsReply, PointsRequest } from '../gateway/control/verbs/points-request.js';
import type { StatusReply, StatusRequest } from '../gateway/control/verbs/status-request.js';
import type { VerbName } from '../gateway/control/verbs/verbs.js';
import { SystemClock } from '../point/clock.js';
import { SILENT_LOG } from '../point/log.js';
import { Connection, type Answer, type Incoming } from '../siot/connection/connection.js';
import { settingsOf } from '../siot/connection/nats-settings.js';
import { shownServer } from '../siot/connection/server-text.js';
import { CliError } from './errors.js';
import { answerOf } from './gateway-answer.js';
import { knownGateway, privateNats } from './runtime-files.js';
import { MOST_PAGES, wholeStatus } from './status-pages.js';

const CONNECT_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 3_000;
/** The gateway writes a file to its disk before it answers. */
const FILE_WITHIN_MS = 20_000;

/** A connection to NATS, and the verbs of one gateway on it. */
export class GatewayClient {
  readonly #connection: Connection;
  readonly #servers: string;
  readonly #id: string;
  #watchers: (() => void)[] = [];
  #problem = '';

  /** Throws a {@link CliError} when the ID of the gateway cannot be read, such as before its first start. */
  constructor(config: GatewayConfig) {
    const { nats } = config;
    this.#id = knownGateway(config);
    // A function, since the gateway's private server has another token after a restart, and perhaps another port.
    const source = nats.embedded ? () => privateNats(config) : nats.settings;
    this.#servers = settingsOf(source).servers.map(shownServer).join(', ');
    this.#connection = new Connection({
      settings: () => ({ ...settingsOf(source), name: 'siot-mcu' }),
      clock: new SystemClock(),
      random: Math.random,
      log: SILENT_LOG,
      onState: (state) => {
        if ('problem' in state) this.#problem = state.problem ?? '';
        for (const watcher of this.#watchers) watcher();
      },
    });
  }

  /** Throws a {@link CliError} that says why there is no connection. */
  async connect(): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CONNECT_WITHIN_MS);
      this.onState(() => {
        // The first problem ends the wait: a server that is absent or refuses now is not likely to change soon.
        if (!this.#connection.connected && this.#problem === '') return;
        clearTimeout(timer);
        resolve();
      });
    });
    this.#connection.start();
    await settled;
    if (this.connected) return;
    await this.close();
    throw new CliError(this.#problem || `no answer from NATS at ${this.#servers}`);
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  /** Why there is no connection. */
  get problem(): string {
    return this.#problem;
  }

  onState(watcher: () => void): void {
    this.#watchers.push(watcher);
  }

  /** See {@link wholeStatus}. Throws a {@link CliError} when the gateway does not answer. */
  status({ pending = false }: { pending?: boolean | string } = {}): Promise<StatusReply> {
    return wholeStatus((request) => this.#page(request), pending);
  }

  async #page(request: StatusRequest): Promise<StatusReply> {
    return (await this.#ask('status', request)) as StatusReply;
  }

  /**
   * Confirms the board that is plugged in now as the right one for a link. Throws a
   * {@link CliError} when the gateway does not answer.
   */
  async confirm(link: string): Promise<ConfirmReply> {
    const request: ConfirmRequest = { link };
    return (await this.#ask('confirm', request)) as ConfirmReply;
  }

  /** Log lines of a device: one page. Throws a {@link CliError} when the gateway does not answer. */
  async logs(request: LogsRequest): Promise<LogsReply> {
    return (await this.#ask('logs', request)) as LogsReply;
  }

  /**
   * A step of sending a file. Throws a {@link CliError} when the gateway does not answer: a
   * slow disk has as much time as in {@link FILE_WITHIN_MS}.
   */
  async file(request: FileVerbRequest): Promise<FileVerbReply> {
    return (await this.#ask('file', request, FILE_WITHIN_MS)) as FileVerbReply;
  }

  /** Restarts of a device. Throws a {@link CliError} when the gateway does not answer. */
  async restarts(request: RestartsRequest): Promise<RestartsReply> {
    return (await this.#ask('restarts', request)) as RestartsReply;
  }

  /** A deleted node is to live again. Throws a {@link CliError} when the gateway does not answer. */
  async undelete(request: UndeleteRequest): Promise<UndeleteReply> {
    const withinMs = UNDELETE_WITHIN_MS + ANSWER_WITHIN_MS;
    return (await this.#ask('undelete', request, withinMs)) as UndeleteReply;
  }

  /**
   * What is known of the points of a link; its pages, joined. Throws a {@link CliError}
   * when the gateway does not answer.
   */
  async pointInfo(link: string): Promise<PointInfoReply> {
    const points: PointInfoEntry[] = [];
    for (let pages = 0; ; pages++) {
      const request: PointsRequest = { link, from: points.length };
      const reply = (await this.#ask('points', request)) as PointsReply;
      if (reply.state === 'refused') return reply;
      const { pointsLeft = 0, ...page } = reply;
      points.push(...page.points);
      const isEnd = pointsLeft === 0 || page.points.length === 0 || pages >= MOST_PAGES;
      if (isEnd) return { ...page, points };
    }
  }

  async #ask(verb: VerbName, request: object, withinMs = ANSWER_WITHIN_MS): Promise<unknown> {
    const subject = verbSubject(this.#id, verb);
    const answer = await this.#connection.request(subject, payloadOf(request), withinMs);
    if (typeof answer === 'string') throw new CliError(this.#silence(answer));
    return parse(answer);
  }

  /** Calls back for each answer; `undefined`: the connection is lost, and no answer follows. */
  set(request: SetRequest, answered: (reply: SetReply | undefined) => void): void {
    const lost = (): void => answered(undefined);
    this.#connection.publish(verbSubject(this.#id, 'set'), payloadOf(request), {
      answered: (_token, answer) => {
        if (answer === 'lost') lost();
        else if (typeof answer === 'string') {
          answered({ state: 'refused', reason: this.#silence(answer) });
        } else answered(parse(answer) as SetReply);
      },
    });
  }

  subscribe(subject: string, heard: (message: Incoming) => void): () => void {
    return this.#connection.subscribe(subject, heard);
  }

  async close(): Promise<void> {
    this.#watchers = [];
    await this.#connection.close();
  }

  #silence(answer: Exclude<Answer, Uint8Array>): string {
    return answer === 'lost'
      ? `the connection to NATS at ${this.#servers} was lost`
      : `no gateway answers on NATS at ${this.#servers}: is \`siot-mcu run\` running with this configuration?`;
  }
}

/** An empty request is no bytes at all. */
const payloadOf = (request: object): Uint8Array =>
  Object.keys(request).length === 0 ? new Uint8Array() : Buffer.from(JSON.stringify(request));

const parse = (bytes: Uint8Array): unknown => answerOf(Buffer.from(bytes).toString('utf8'));
