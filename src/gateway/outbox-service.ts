import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskOutbox, type DiskOutboxOptions } from '../outbox/disk-outbox.js';
import { MachineFolder } from '../outbox/machine-folder.js';
import { MemoryOutbox } from '../outbox/memory-outbox.js';
import type { Outbox } from '../outbox/outbox.js';
import { NS_PER_MS, type Clock } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { Configured, GatewayConfig } from './config/config.js';
import type { OutboxBacklog } from './control/control.js';
import type { ControlledOutbox } from './control/controlled.js';
import type { GatewayParts } from './gateway-parts.js';
import type { Identity } from './identity.js';
import { nameOfNode, refuseSharedNodes } from './link-nodes.js';
import type { Service } from './services.js';
import { codeOf, MACHINE_DISK, reasonOf } from './state/disk.js';
import { StateError } from './state/state-dir.js';

/** Points on their way to SIOT, which outlive a restart of the gateway. */
export class OutboxService implements Service, ControlledOutbox {
  readonly name = 'outbox';
  readonly stopByMs = 4_050;
  readonly ifLate =
    'the disk of stateDir does not answer: points that were not acknowledged are lost';
  /** Until it has been opened there is nothing to put in. */
  #outbox: Outbox = new MemoryOutbox({ maxBytes: 0 });

  constructor(
    private readonly configured: Configured,
    private readonly identity: Identity,
    private readonly parts: GatewayParts,
  ) {}

  get outbox(): Outbox {
    return this.#outbox;
  }

  /** Throws a `StateError` or an `OutboxError`; a `GatewayError` where two links would share a lane. */
  async start(): Promise<void> {
    const { configured, identity } = this;
    const { clock, log } = this.parts;
    refuseSharedNodes(configured.config.links, identity.id);
    this.#outbox = await openOutbox(configured.config, clock, log, {
      nameOf: (nodeId) => nameOfNode(configured.config.links, identity.id, nodeId),
      onDeleted: () => identity.keep(),
    });
  }

  stop(): Promise<void> {
    return this.#outbox.close();
  }

  backlog(): OutboxBacklog {
    return backlogOf(this.#outbox, this.parts.clock);
  }
}

/** What waits in an outbox now. */
export function backlogOf(outbox: Pick<Outbox, 'lanes'>, clock: Clock): OutboxBacklog {
  let points = 0;
  let bytes = 0;
  let oldestNs: bigint | undefined;
  for (const lane of outbox.lanes()) {
    if (lane.length === 0) continue;
    points += lane.length;
    bytes += lane.bytes;
    const time = lane.read(lane.first)?.time;
    if (time !== undefined && (oldestNs === undefined || time < oldestNs)) oldestNs = time;
  }
  if (oldestNs === undefined) return { points, bytes };
  const ageMs = Number((clock.wallNs() - oldestNs) / NS_PER_MS);
  return { points, bytes, oldestMs: Math.max(0, ageMs) };
}

/**
 * The outbox as configured, with what an earlier life has left in
 * `stateDir/outbox`. Throws a {@link StateError} when it is to be on disk and
 * cannot be written there, or an `OutboxError`. `onDeleted`: somebody has deleted
 * files of it while it is used. `nameOf`: whose a lane is, for people.
 */
export async function openOutbox(
  { stateDir, outbox: { durability, maxBytes } }: GatewayConfig,
  clock: Clock,
  log: Log,
  parts: Pick<DiskOutboxOptions, 'nameOf' | 'onDeleted'> = {},
): Promise<Outbox> {
  const path = join(stateDir, 'outbox');
  if (durability === 'memory') {
    const left = await readdir(path).catch(() => []);
    if (left.length > 0) {
      log.warn(
        { path, files: left.length },
        `${path} holds points from before, which wait until outbox.durability is disk again`,
      );
    }
    return new MemoryOutbox({ maxBytes });
  }
  try {
    await MACHINE_DISK.makeFolder(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const folder = new MachineFolder(path, (folder) => MACHINE_DISK.makeFolder(folder));
    return await DiskOutbox.open({
      folder,
      maxBytes,
      clock,
      log,
      reasonOf,
      ...parts,
    });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new StateError(
      `the outbox in ${path} cannot be used: ${reasonOf(error)}; ` +
        'let the gateway write to stateDir, or set outbox.durability to memory',
      { cause: error },
    );
  }
}
