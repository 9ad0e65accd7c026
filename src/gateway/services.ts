/** The parts of the gateway that are started and stopped, as one list. */
import type { Clock } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { within } from '../point/within.js';

/** One part of the gateway. */
export interface Service {
  /** For people, in the log. */
  readonly name: string;
  /**
   * When it must have stopped, ms after the gateway has begun to stop; after that
   * the next one is stopped. Those that are stopped later have later times.
   */
  readonly stopByMs: number;
  /** What is lost if it has not stopped by then, for people. */
  readonly ifLate?: string;
  /** Rejects, with an error for people, where the gateway cannot run without it. */
  start(): Promise<void> | void;
  /** The gateway is about to stop: begins nothing new, and waits for nobody. */
  prepareStop?(): void;
  /** Ends what {@link start} has begun, also after it has failed. `withinMs`: what is left until {@link stopByMs}. */
  stop(withinMs: number): Promise<void> | void;
}

/** Starts services in the order of the list, and stops them in the reverse order. */
export class Services {
  /** All whose start was called, in that order. */
  readonly #started: Service[] = [];

  constructor(
    private readonly list: readonly Service[],
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** When one cannot start, those before it are stopped, and its error is thrown. */
  async start(): Promise<void> {
    try {
      for (const service of this.list) {
        this.#started.push(service);
        await service.start();
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** At once, also while services are still being started. {@link stop} follows. */
  prepareStop(): void {
    for (const service of this.list) service.prepareStop?.();
  }

  /** Never rejects: one that fails, or is late, is told by its name, and the others are stopped. */
  async stop(): Promise<void> {
    const beganMs = this.clock.monotonicMs();
    for (let one = this.#started.pop(); one !== undefined; one = this.#started.pop()) {
      const spentMs = this.clock.monotonicMs() - beganMs;
      await this.#stopOne(one, Math.max(0, one.stopByMs - spentMs));
    }
  }

  async #stopOne(service: Service, withinMs: number): Promise<void> {
    const stopped = (async () => service.stop(withinMs))().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.log.error({ service: service.name, reason }, `${service.name}: stopping failed`);
    });
    if ((await within(withinMs, this.clock, stopped)) !== 'late') return;
    const { name, ifLate } = service;
    this.log.error(
      { service: name, ms: Math.round(withinMs) },
      `${name}: not stopped in time${ifLate === undefined ? '' : `: ${ifLate}`}`,
    );
  }
}
