/**
 * What is known of a link, on disk: a line for each setting, and one line for
 * everything else. A change is appended as a new line, which replaces the earlier one.
 * A file that has grown to several times its content is written anew.
 *
 * ```
 *  3f0c {"of":"link","session":{"codec":"compact",…},"judge":{…}}
 *  91a2 {"of":"setting","type":"limit","key":"a","state":"pending",…}
 *  77d1 {"of":"setting","type":"limit","key":"a","state":"inForce",…}
 *  └──── CRC of the rest of the line: shows a line that a crash has cut
 * ```
 *
 * So a change costs one short write and one fdatasync, whether there is one setting or
 * there are 5,000. A broken line loses only its own content.
 */
import { crc16 } from '../../packet/crc.js';
import type { Log } from '../../point/log.js';
import { PointMap } from '../../point/point-map.js';
import { codeOf, reasonOf, writeAtomically, type Disk } from './disk.js';
import { parseLinkEntry, type LinkEntry, type LinkHead, type LinkRecord } from './link-record.js';
import { sayUnwritable, sayWritable } from './state-file.js';
import type { SettingRecord } from '../../session/settings/record.js';

/** The present state of a link, as far as it is kept. */
export interface LinkState {
  head(): LinkHead;
  settings(): Iterable<SettingRecord>;
  /** Settings that are new or have changed since the last call. */
  takeChangedSettings(): Iterable<SettingRecord>;
  /** True if the file contains settings that were withdrawn: it has to be written anew. The next call returns false. */
  takeStale(): boolean;
}

/** A file is written anew when it is more than GROWN times as large as its content and has more than GROWN_BYTES. */
const GROWN = 4;
const GROWN_BYTES = 65_536;

/** The file of one link. */
export class LinkFile {
  #next: { readonly state: LinkState; readonly done: ((kept: boolean) => void)[] } | undefined;
  #writing = false;
  /** The file is damaged or missing: the next save writes all of it. */
  #whole = true;
  #bytes = 0;
  #wholeBytes = 0;
  /** The link's own line, as it is on disk. An equal line is not written again. */
  #head = '';
  #problem: string | undefined;
  #damage: string | undefined;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly log: Log,
  ) {}

  /** Why nothing can be saved now, for people; `undefined`: it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What was lost of the file when it was loaded, for people; `undefined`: nothing. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Reads the file; `{}` if there is none. A broken file is copied to a name ending in `.broken`, and logged. */
  async load(): Promise<LinkRecord> {
    this.#whole = true;
    this.#damage = undefined;
    let bytes: Uint8Array;
    try {
      bytes = await this.disk.read(this.path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        // It is renamed, since the next save would overwrite it.
        const aside = `${this.path}.broken`;
        await this.disk.rename(this.path, aside).catch(() => undefined);
        this.#damage = `what is known of the link cannot be read: ${reasonOf(error)}: settings may be lost; see ${aside}`;
        this.log.error({ path: this.path }, this.#damage);
      }
      return {};
    }
    const { entries, broken, torn } = readLines(bytes);
    if (broken > 0) await this.#putAside(bytes, broken, entries.length);
    else if (torn) this.log.info({ path: this.path }, 'a crash has torn the last change: left out');
    this.#whole = broken > 0 || torn;
    this.#bytes = bytes.length;
    return this.#join(entries);
  }

  /**
   * Resolves to true when this state, or a later one, is on disk. Resolves to false when
   * it cannot be written; this is logged, and the gateway goes on. Calls during a write
   * are joined to one save.
   */
  save(state: LinkState): Promise<boolean> {
    return new Promise((resolve) => {
      this.#next = { state, done: [...(this.#next?.done ?? []), resolve] };
      if (!this.#writing) void this.#write();
    });
  }

  #join(entries: readonly LinkEntry[]): LinkRecord {
    const settings = new PointMap<SettingRecord>();
    let head: LinkHead = {};
    for (const entry of entries) {
      if (entry.of === 'link') head = entry;
      else settings.set(entry.type, entry.key, entry);
    }
    this.#wholeBytes = 0;
    for (const setting of settings.values()) this.#wholeBytes += settingLine(setting).length;
    return {
      session: { ...head.session, settings: [...settings.values()] },
      ...(head.judge === undefined ? {} : { judge: head.judge }),
      ...(head.descriptions === undefined ? {} : { descriptions: head.descriptions }),
      ...(head.ages === undefined ? {} : { ages: head.ages }),
    };
  }

  /** Copies the file. It is not renamed, since its good lines are needed until it is written anew. */
  async #putAside(bytes: Uint8Array, broken: number, good: number): Promise<void> {
    const aside = `${this.path}.broken`;
    await writeAtomically(this.disk, aside, bytes).catch(() => undefined);
    const what =
      good === 0
        ? 'nothing of what is known of the link could be read'
        : `${String(broken)} of ${String(broken + good)} lines of what is known of the link were broken`;
    this.#damage = `${what}: settings may be lost; see ${aside}`;
    this.log.error({ path: this.path, broken, good }, this.#damage);
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // One microtask later, so that further changes in this turn of the loop are written too.
    await Promise.resolve();
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#next = undefined;
      let kept = false;
      try {
        await this.#writeOnce(next.state);
        if (this.#problem !== undefined) sayWritable(this.log, this.path);
        this.#problem = undefined;
        kept = true;
      } catch (error) {
        this.#whole = true;
        const reason = reasonOf(error);
        if (this.#problem === undefined) sayUnwritable(this.log, this.path, reason);
        this.#problem = `settings cannot be saved: ${reason} (${this.path}); they would be lost in a restart of the gateway`;
      }
      for (const done of next.done) done(kept);
    }
    this.#writing = false;
  }

  async #writeOnce(state: LinkState): Promise<void> {
    const changed = [...state.takeChangedSettings()];
    const stale = state.takeStale();
    const head = line({ of: 'link', ...state.head() });
    const grown = this.#bytes > Math.max(GROWN_BYTES, GROWN * this.#wholeBytes);
    const appended = this.#whole || stale || grown ? undefined : await this.#append(head, changed);
    if (appended === undefined) await this.#writeWhole(head, state);
    this.#head = head;
  }

  /** `undefined`: somebody has deleted the file. */
  async #append(head: string, changed: Iterable<SettingRecord>): Promise<true | undefined> {
    let text = head === this.#head ? '' : head;
    for (const setting of changed) text += settingLine(setting);
    if (text === '') return true;
    const bytes = Buffer.from(text);
    let file;
    try {
      file = await this.disk.append(this.path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      await file.write(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    this.#bytes += bytes.length;
    return true;
  }

  async #writeWhole(head: string, state: LinkState): Promise<void> {
    let text = head;
    for (const setting of state.settings()) text += settingLine(setting);
    const bytes = Buffer.from(text);
    await writeAtomically(this.disk, this.path, bytes);
    this.#whole = false;
    this.#bytes = bytes.length;
    this.#wholeBytes = bytes.length;
  }
}

const settingLine = (setting: SettingRecord): string => line({ of: 'setting', ...setting });

function line(entry: LinkEntry): string {
  const json = JSON.stringify(entry);
  return `${crc16(Buffer.from(json)).toString(16).padStart(4, '0')} ${json}\n`;
}

/** {@link LinkHead.connected} in the content of a file; `undefined`: it does not say. */
export function connectedIn(bytes: Uint8Array): bigint | undefined {
  const head = readLines(bytes).entries.findLast((entry) => entry.of === 'link');
  return head?.connected === undefined ? undefined : BigInt(head.connected);
}

/**
 * `torn`: the last line is not complete, as after a crash. `broken`: number of
 * lines with a wrong CRC. A file is created with its first line in it, so a file
 * without a good line is broken, not torn.
 */
function readLines(bytes: Uint8Array): { entries: LinkEntry[]; broken: number; torn: boolean } {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  const end = lines.pop() ?? '';
  const entries: LinkEntry[] = [];
  let broken = 0;
  for (const text of lines) {
    const entry = readLine(text);
    if (entry === undefined) broken += 1;
    else entries.push(entry);
  }
  if (entries.length === 0) broken += 1;
  return { entries, broken, torn: end !== '' };
}

function readLine(text: string): LinkEntry | undefined {
  const json = text.slice(5);
  if (crc16(Buffer.from(json)) !== Number.parseInt(text.slice(0, 4), 16)) return undefined;
  try {
    return parseLinkEntry(JSON.parse(json));
  } catch {
    return undefined;
  }
}
