/**
 * What the gateway keeps over its own restarts, as small JSON files in
 * `stateDir`, each written atomically: under another name first, then renamed.
 *
 * ```
 *  stateDir/running-…               who has the folder now: state-lock.ts
 *  stateDir/gateway.json            the gateway's ID; whether a SIOT store has answered
 *  stateDir/nats.json               address of the private nats-server, with nats.embedded
 *  stateDir/links/<node ID>.json    what is known of a link: codec, settings and their states
 * ```
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../point/log.js';
import { parseLinkRecord, type LinkRecord } from './link-record.js';
import { isUuid } from './uuid.js';

export class StateError extends Error {
  override readonly name = 'StateError';
}

/** `gateway.json`. */
export interface GatewayRecord {
  readonly id: string;
  /** A SIOT store has answered before, as this generation. */
  readonly store?: { readonly generation: 1 | 2 };
}

export class StateDir {
  readonly #files = new Map<string, StateFile>();

  constructor(
    readonly path: string,
    private readonly log: Log,
  ) {}

  /**
   * The gateway's record; made at first start. Throws a {@link StateError}: an
   * identity that cannot be read or kept would make all nodes anew.
   */
  async openGateway(): Promise<GatewayRecord> {
    const file = join(this.path, 'gateway.json');
    try {
      await makeFolder(join(this.path, 'links'));
    } catch (error) {
      throw new StateError(
        `stateDir ${this.path} cannot be made: ${reasonOf(error)}; give the gateway a folder that it may write to`,
        { cause: error },
      );
    }
    const known = await readGatewayRecord(file);
    if (known !== undefined) return known;
    const made: GatewayRecord = { id: randomUUID() };
    try {
      await writeAtomically(file, textOf(made));
    } catch (error) {
      throw new StateError(
        `stateDir ${this.path} cannot be written: ${reasonOf(error)}; give the gateway a folder that it may write to`,
        { cause: error },
      );
    }
    return made;
  }

  async saveGateway(record: GatewayRecord): Promise<void> {
    await this.file('gateway').save(record);
  }

  /** Where the private nats-server of this gateway listens. */
  async saveNats(url: string): Promise<void> {
    await this.file('nats').save({ url });
  }

  /**
   * What was kept of a link; `{}` when nothing was, or when the file is broken:
   * that one is put aside, under a name ending in `.broken`, and logged.
   */
  async loadLink(nodeId: string): Promise<LinkRecord> {
    const path = this.#path(linkFile(nodeId));
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        this.log.error(
          { path, reason: reasonOf(error) },
          'what is known of the link cannot be read',
        );
      }
      return {};
    }
    const record = parseLinkRecord(parseJson(text));
    if (record !== undefined) return record;
    await rename(path, `${path}.broken`).catch(() => undefined);
    this.log.error({ path }, 'what is known of the link is broken: put aside, starting anew');
    return {};
  }

  linkFile(nodeId: string): StateFile {
    return this.file(linkFile(nodeId));
  }

  private file(name: string): StateFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new StateFile(this.#path(name), this.log);
      this.#files.set(name, file);
    }
    return file;
  }

  #path(name: string): string {
    return join(this.path, `${name}.json`);
  }
}

/** One file; of several savings at once only the latest is written. */
export class StateFile {
  #next: { content: object; done: (() => void)[] } | undefined;
  #writing = false;
  #failed = false;
  /** On disk now, so that the same is not written again. */
  #written: string | undefined;

  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {}

  /**
   * Resolves when this content, or a later one, is on disk; also when it cannot
   * be written, which is logged: the gateway goes on without.
   */
  save(content: object): Promise<void> {
    return new Promise((resolve) => {
      this.#next = { content, done: [...(this.#next?.done ?? []), resolve] };
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#next = undefined;
      try {
        const text = textOf(next.content);
        if (text !== this.#written) await writeAtomically(this.path, text);
        this.#written = text;
        if (this.#failed) this.log.info({ path: this.path }, 'state can be written again');
        this.#failed = false;
      } catch (error) {
        if (!this.#failed) {
          this.log.error(
            { path: this.path, reason: reasonOf(error) },
            'state cannot be written: it would be lost in a restart of the gateway',
          );
        }
        this.#failed = true;
      }
      for (const done of next.done) done();
    }
    this.#writing = false;
  }
}

const textOf = (content: object): string => `${JSON.stringify(content, undefined, 1)}\n`;

async function writeAtomically(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  await makeFolder(dirname(path));
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

/** A new name is on disk only when its folder is: a command must not come back with the power. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  // Some file systems of other machines cannot do this for folders.
  await folder.datasync().catch(() => undefined);
  await folder.close();
}

async function readGatewayRecord(path: string): Promise<GatewayRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
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
    // Told below.
  }
  throw new StateError(
    `${path} is broken: it holds the gateway's identity; restore it, ` +
      'or delete it to start as a new gateway with new nodes',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** File systems allow 255 bytes, endings included. */
const LONGEST_NAME = 200;

/** A node ID may hold `/`; a file name must not, nor mean another folder, nor be too long. */
function linkFile(nodeId: string): string {
  // Half a character, which cannot be encoded, becomes what NATS makes of it.
  const name = encodeURIComponent(Buffer.from(nodeId).toString()).replaceAll('.', '%2E');
  if (name.length <= LONGEST_NAME) return join('links', name);
  const hash = createHash('sha256').update(nodeId).digest('hex').slice(0, 16);
  return join('links', `${name.slice(0, LONGEST_NAME)}-${hash}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** With all above it. Node's own recursive mkdir never returns where a system has no folder to give (/proc). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** Why the system refused, for people. */
export function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'not permitted';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'the disk is full';
    case 'ENOTDIR':
      return 'a part of its path is not a folder';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
