import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskOutbox, type DiskOutboxOptions } from '../outbox/disk-outbox.js';
import { MachineFolder } from '../outbox/machine-folder.js';
import { MemoryOutbox } from '../outbox/memory-outbox.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Clock } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { GatewayConfig } from './config/config.js';
import { codeOf, MACHINE_DISK, reasonOf } from './state/disk.js';
import { StateError } from './state/state-dir.js';

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
