/**
 * Where the configuration is, and which folders go with it (docs/contract.md,
 * "Configuration"). The service and the commands of other users read the same file, and
 * only the service sees the variables of systemd: so the file's place alone tells the
 * commands where the service has its folders.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT_WRONG } from './errors.js';

const LOCAL_FILE = 'gateway.yaml';
const SYSTEM_FOLDER = '/etc/siot-mcu';
const SYSTEM_FILE = join(SYSTEM_FOLDER, 'gateway.yaml');
/** The folders of packaging/siot-mcu.service. */
const SYSTEM_STATE = '/var/lib/siot-mcu';
const SYSTEM_RUNTIME = '/run/siot-mcu';

/** For the help of `-c`. */
export const CONFIG_PLACES = `./${LOCAL_FILE}, else ${SYSTEM_FILE}`;

/**
 * The configuration file to read: `named` (of `-c`), else the first of `places` that is
 * there. Throws a {@link CliError} if none is.
 */
export function configFileOf(
  named: string | undefined,
  places: readonly string[] = [LOCAL_FILE, SYSTEM_FILE],
): string {
  const file = named ?? places.find(isThere);
  if (file !== undefined) return file;
  const [local = '', system = ''] = places;
  throw new CliError(
    `no configuration: there is no ${local} in this folder, and no ${system}; name the file with -c FILE`,
    EXIT_WRONG,
  );
}

/** A file that cannot be looked at is there: reading it says why. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** Folders for what the configuration does not name. `runtimeDir` absent: the same as `stateDir`. */
export interface DefaultFolders {
  readonly stateDir: string;
  readonly runtimeDir?: string;
}

/**
 * The folders that go with a configuration in `folder`, an absolute path.
 * `runtimeDirectory`: the variable RUNTIME_DIRECTORY, which may list several folders,
 * of which the first counts (systemd.exec(5)).
 */
export function defaultFolders(
  folder: string,
  runtimeDirectory: string | undefined,
): DefaultFolders {
  const given = runtimeDirectory?.split(':').find((path) => path.startsWith('/'));
  const isSystem = folder === SYSTEM_FOLDER;
  const runtimeDir = given ?? (isSystem ? SYSTEM_RUNTIME : undefined);
  return {
    stateDir: isSystem ? SYSTEM_STATE : './state',
    ...(runtimeDir === undefined ? {} : { runtimeDir }),
  };
}

const isService = (runtimeDir: string): boolean => runtimeDir === SYSTEM_RUNTIME;

/** How to start a gateway that has run, whose `runtimeDir` this is. */
export const startAgainAdvice = (runtimeDir: string): string =>
  `start it with ${isService(runtimeDir) ? '`sudo systemctl start siot-mcu`' : '`siot-mcu run`'}`;

/** How to start a gateway for the first time. */
export const startAdvice = (runtimeDir: string): string =>
  isService(runtimeDir)
    ? startAgainAdvice(runtimeDir)
    : 'start `siot-mcu run` with this configuration first';
