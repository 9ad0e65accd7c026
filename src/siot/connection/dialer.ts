import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../point/clock.js';
import { dialOptions } from './dial-options.js';
import { ServerProbe } from './server-probe.js';
import type { NatsSettings } from './nats-settings.js';

const DIAL_WITHIN_MS = 4_000;

/** Connects to one of several servers: the configured ones, and others of their cluster. */
export class Dialer {
  #discovered: readonly string[] = [];
  #probe: ServerProbe | undefined;
  #stopped = false;

  constructor(private readonly clock: Clock) {}

  /** Learns the addresses of the other servers of the cluster. */
  discover(nats: NatsConnection): void {
    this.#discovered = nats.info?.connect_urls ?? [];
  }

  /** Stops dialling. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#probe?.stop();
  }

  /**
   * Connects. Servers that the cluster has announced may not be reachable from here.
   * Therefore they are dialled only if no configured server can be reached. Rejects with
   * the problem of a configured server.
   */
  async dial(settings: NatsSettings): Promise<NatsConnection> {
    const { servers } = settings;
    try {
      return await this.#oneOf(servers, settings);
    } catch (error) {
      const others = this.#discovered.filter((server) => !servers.some(isAt(server)));
      if (others.length === 0 || this.#stopped) throw error;
      return this.#oneOf(others, settings).catch(() => {
        throw error;
      });
    }
  }

  /**
   * Connects to the first server that sends its greeting and accepts us. Rejects with the
   * problem of a server that answers as NATS; if there is none, with the problem of any.
   */
  async #oneOf(servers: readonly string[], settings: NatsSettings): Promise<NatsConnection> {
    const probe = new ServerProbe(servers, this.clock, DIAL_WITHIN_MS);
    this.#probe = probe;
    let problem: unknown;
    let unheard: unknown;
    try {
      for (let one = await probe.next(); one !== undefined; one = await probe.next()) {
        unheard ??= one.problem;
        if (one.problem !== undefined || this.#stopped) continue;
        try {
          return await connect(dialOptions(settings, one.server, DIAL_WITHIN_MS));
        } catch (error) {
          problem ??= error;
        }
      }
    } finally {
      probe.stop();
    }
    const cause = problem ?? unheard;
    throw cause instanceof Error ? cause : new Error(String(cause));
  }
}

/** Whether two addresses mean the same server. */
function isAt(server: string): (other: string) => boolean {
  const bare = (given: string): string => given.replace(/^\w+:\/\//, '').replace(/^[^@/]*@/, '');
  return (other) => bare(other) === bare(server);
}
