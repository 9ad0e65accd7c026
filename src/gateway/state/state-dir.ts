/**
 * What the gateway keeps over its own restarts, as small files in `stateDir`. Only
 * its user may read them (private-state.ts). What other users need is in runtime-dir.ts.
 *
 * ```
 *  stateDir/running-…               who has the folder now: state-lock.ts
 *  stateDir/gateway.json            the gateway's ID; whether a SIOT store has answered
 *  stateDir/removed.json            nodes of links that have left the configuration, and are marked so
 *  stateDir/usb.json                devices of `usb` links, and where each was last seen
 *  stateDir/links/<node ID>.state   what is known of a link, its settings too: link-file.ts
 *  stateDir/links/<node ID>.names   which distinct points SIOT has of it: names-file.ts
 *  stateDir/links/<node ID>.log     the last log lines of its device: log-file.ts
 *  stateDir/sending/<node ID>.…     a file on its way to the device: file-to-device.ts
 *  stateDir/restarts/<link>/…       what was heard before restarts of its device: restart-files.ts
 * ```
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { MACHINE_DISK, codeOf, reasonOf, whyUnusable, writeAtomically, type Disk } from './disk.js';
import { FileToDevice } from './file-to-device.js';
import { connectedIn, LinkFile } from './link-file.js';
import { LogFile } from './log-file.js';
import { NamesFile } from './names-file.js';
import { RestartFiles } from './restart-files.js';
import { sayUnwritable, StateFile, textOf } from './state-file.js';
import { parseUsbRecord, type UsbRecord } from './usb-record.js';
import { isUuid } from './uuid.js';

/** The gateway cannot run, since a folder or file cannot be used. The message is for people. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** `gateway.json`. */
export interface GatewayRecord {
  readonly id: string;
  /** A SIOT store has answered before, as this generation. */
  readonly store?: { readonly generation: 1 | 2 };
}

/** When this gateway last published `connected` of a link. */
export interface LastConnected {
  /** ns since 1970, UTC; 0: nothing is known. */
  readonly ns: bigint;
  /** False: an earlier version wrote the link's file, and `ns` is when. */
  readonly isExact: boolean;
}

/** The folder, and the files in it. */
export class StateDir {
  readonly #files = new Map<string, StateFile>();
  readonly #links = new Map<string, LinkFile>();

  constructor(
    readonly path: string,
    private readonly log: Log,
    private readonly disk: Disk = MACHINE_DISK,
  ) {}

  /**
   * Reads the gateway's record, or makes it at the first start. Throws a
   * {@link StateError} when the record cannot be read or written, and makes no new one:
   * with a new identity all nodes would be made again.
   */
  async openGateway(): Promise<GatewayRecord> {
    const file = join(this.path, 'gateway.json');
    try {
      await this.disk.makeFolder(join(this.path, 'links'));
    } catch (error) {
      throw new StateError(
        `stateDir ${this.path} ${await whyUnusable(this.path, error)}; give the gateway a folder that it may write to`,
        { cause: error },
      );
    }
    const known = await readGatewayRecord(this.disk, file);
    if (known !== undefined) return known;
    const made: GatewayRecord = { id: randomUUID() };
    try {
      await writeAtomically(this.disk, file, Buffer.from(textOf(made)));
    } catch (error) {
      throw new StateError(
        `stateDir ${this.path} cannot be written: ${reasonOf(error)}; give the gateway a folder that it may write to`,
        { cause: error },
      );
    }
    return made;
  }

  /** Resolves when the record is on disk. Resolves also when it cannot be written, and logs that. */
  async saveGateway(record: GatewayRecord): Promise<void> {
    await this.#file('gateway').save(record);
  }

  /** Writes the record again if somebody has deleted the file: with a new ID all nodes would be made again. */
  async keepGateway(record: GatewayRecord): Promise<void> {
    const path = join(this.path, 'gateway.json');
    try {
      await this.disk.read(path);
    } catch {
      await writeAtomically(this.disk, path, Buffer.from(textOf(record))).catch((error: unknown) =>
        sayUnwritable(this.log, path, reasonOf(error)),
      );
    }
  }

  /**
   * The devices of `usb` links; none when nothing was kept. A file that is broken or
   * cannot be read is renamed to a name ending in `.broken`, and logged.
   */
  async loadUsb(): Promise<UsbRecord> {
    const path = join(this.path, 'usb.json');
    let reason = 'it is broken';
    try {
      const record = parseUsbRecord(JSON.parse(Buffer.from(await this.disk.read(path)).toString()));
      if (record !== undefined) return record;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return {};
      if (!(error instanceof SyntaxError)) reason = reasonOf(error);
    }
    await this.disk.rename(path, `${path}.broken`).catch(() => undefined);
    this.log.error(
      { path, reason },
      'what is known of USB devices cannot be read: put aside under a name ending in .broken, starting anew',
    );
    return {};
  }

  /** False: it could not be written, which is logged. */
  async saveUsb(record: UsbRecord): Promise<boolean> {
    const file = this.#file('usb');
    await file.save(record);
    return file.problem === undefined;
  }

  /** IDs of the nodes whose links have a file here. Those whose IDs are too long for a file name are not among them. */
  async knownNodes(): Promise<string[]> {
    const files = await readdir(join(this.path, 'links')).catch(() => []);
    return files.flatMap((file) => nodeOf(file) ?? []);
  }

  /** As the file of a link says that does not run. */
  async lastConnected(nodeId: string): Promise<LastConnected> {
    const path = join(this.path, linkFile(nodeId));
    try {
      const ns = connectedIn(await this.disk.read(path));
      if (ns !== undefined) return { ns, isExact: true };
      return { ns: (await stat(path, { bigint: true })).mtimeNs, isExact: false };
    } catch {
      return { ns: 0n, isExact: false };
    }
  }

  /** IDs of nodes in `removed.json`; none if it cannot be read, since marking a node twice does no harm. */
  async loadRemoved(): Promise<string[]> {
    try {
      const bytes = await this.disk.read(join(this.path, 'removed.json'));
      return removedRecord.parse(JSON.parse(Buffer.from(bytes).toString())).nodes;
    } catch {
      return [];
    }
  }

  /** Resolves also when it cannot be written, and logs that. */
  async saveRemoved(nodes: readonly string[]): Promise<void> {
    await this.#file('removed').save({ nodes });
  }

  /** The file for the state of the link with this node. */
  linkFile(nodeId: string): LinkFile {
    const name = linkFile(nodeId);
    let file = this.#links.get(name);
    if (file === undefined) {
      file = new LinkFile(join(this.path, name), this.disk, this.log);
      this.#links.set(name, file);
    }
    return file;
  }

  /** The file for the names of this node's points. */
  namesFile(nodeId: string, clock: Clock): NamesFile {
    const name = linkFile(nodeId).replace(/state$/, 'names');
    return new NamesFile(join(this.path, name), this.disk, clock, this.log);
  }

  /** The file for the last log lines of this node's device. */
  logFile(nodeId: string): LogFile {
    const name = linkFile(nodeId).replace(/state$/, 'log');
    return new LogFile(join(this.path, name), this.disk, this.log);
  }

  /** The file that is sent to the device of the link with this node. */
  fileToDevice(nodeId: string): FileToDevice {
    const name = basename(linkFile(nodeId), ENDING);
    return new FileToDevice(join(this.path, 'sending', name), this.disk);
  }

  /** What is kept of restarts of a link's device. `folder`: below this one. */
  restartFiles(link: string): { readonly folder: string; readonly files: RestartFiles } {
    const folder = join('restarts', fileNameOf(link));
    return { folder, files: new RestartFiles(join(this.path, folder), this.disk) };
  }

  #file(name: string): StateFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new StateFile(join(this.path, `${name}.json`), this.disk, this.log);
      this.#files.set(name, file);
    }
    return file;
  }
}

async function readGatewayRecord(disk: Disk, path: string): Promise<GatewayRecord | undefined> {
  let text: string;
  try {
    text = Buffer.from(await disk.read(path)).toString('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new StateError(`${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  try {
    const { id, store } = JSON.parse(text) as Partial<GatewayRecord>;
    if (typeof id === 'string' && isUuid(id)) {
      const generation = store?.generation;
      return generation === 1 || generation === 2 ? { id, store: { generation } } : { id };
    }
  } catch {
    // The error below reports it.
  }
  throw new StateError(
    `${path} is broken: it holds the gateway's identity; restore it, ` +
      'or delete it to start as a new gateway with new nodes',
  );
}

const removedRecord = z.object({ nodes: z.array(z.string()) });

/** Of the file of a link. */
const ENDING = '.state';
/** Longest name of a file without its ending, bytes. File systems allow 255 with it. */
const LONGEST_NAME = 200;

/** The file of a link, by its node ID. */
const linkFile = (nodeId: string): string => join('links', `${fileNameOf(nodeId)}${ENDING}`);

/** A name of a file or folder for a text that may hold `/`, be `..`, or be too long for one. */
function fileNameOf(text: string): string {
  // Half a surrogate pair cannot be encoded: it becomes U+FFFD, as on NATS.
  const name = encodeURIComponent(Buffer.from(text).toString()).replaceAll('.', '%2E');
  if (name.length <= LONGEST_NAME) return name;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${name.slice(0, LONGEST_NAME)}-${hash}`;
}

/** The node ID of which {@link linkFile} has made the name of a file. */
function nodeOf(file: string): string | undefined {
  if (!file.endsWith(ENDING)) return undefined;
  try {
    const nodeId = decodeURIComponent(file.slice(0, -ENDING.length));
    return basename(linkFile(nodeId)) === file ? nodeId : undefined;
  } catch {
    return undefined;
  }
}
