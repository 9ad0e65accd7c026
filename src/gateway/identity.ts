import type { Log } from '../point/log.js';
import type { GatewayConfig } from './config/config.js';
import type { Service } from './services.js';
import { keepPrivate } from './state/private-state.js';
import { RuntimeDir } from './state/runtime-dir.js';
import { StateDir, type GatewayRecord } from './state/state-dir.js';
import { StateLock } from './state/state-lock.js';

/** Who the gateway is: `stateDir` and `runtimeDir`, which are this gateway's alone while it runs. */
export class Identity implements Service {
  readonly name = 'stateDir';
  readonly stopByMs = 4_100;
  readonly state: StateDir;
  readonly runtime: RuntimeDir;
  #record: GatewayRecord | undefined;
  #lock: StateLock | undefined;

  constructor(
    { stateDir, runtimeDir }: Pick<GatewayConfig, 'stateDir' | 'runtimeDir'>,
    private readonly log: Log,
  ) {
    this.state = new StateDir(stateDir, log);
    this.runtime = new RuntimeDir(runtimeDir, stateDir, log);
  }

  /** Throws a `StateError`: without an identity, or in the folder of another, no gateway can run. */
  async start(): Promise<void> {
    const record = await this.state.openGateway();
    await keepPrivate(this.state.path, this.log);
    this.#lock = await StateLock.take(this.state.path, this.log);
    this.#record = record;
    await this.runtime.publish(record.id);
  }

  async stop(): Promise<void> {
    await this.runtime.release();
    await this.#lock?.release();
  }

  /** The gateway's ID; blank before the start. */
  get id(): string {
    return this.#record?.id ?? '';
  }

  /** The store that has answered last, in this life or in an earlier one. */
  get store(): GatewayRecord['store'] {
    return this.#record?.store;
  }

  remember(store: NonNullable<GatewayRecord['store']>): void {
    if (this.#record === undefined) return;
    this.#record = { ...this.#record, store };
    void this.state.saveGateway(this.#record);
  }

  /** Somebody has deleted files of `stateDir`: the identity may be one of them. */
  keep(): void {
    if (this.#record !== undefined) void this.state.keepGateway(this.#record);
  }
}
