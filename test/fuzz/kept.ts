/** What is kept of a link, on a disk in memory. */
import type { Disk, DiskFile } from '../../src/gateway/state/disk.js';
import { LinkFile } from '../../src/gateway/state/link-file.js';
import { parseLinkEntry, type LinkRecord } from '../../src/gateway/state/link-record.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { agree, must } from './target.js';

class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>();

  read(path: string): Promise<Uint8Array> {
    const content = this.files.get(path);
    return content === undefined ? Promise.reject(noFile()) : Promise.resolve(content);
  }

  create(path: string): Promise<DiskFile> {
    this.files.set(path, Buffer.alloc(0));
    return this.append(path);
  }

  append(path: string): Promise<DiskFile> {
    if (!this.files.has(path)) return Promise.reject(noFile());
    const write = (bytes: Uint8Array): Promise<void> => {
      this.files.set(path, Buffer.concat([this.files.get(path) ?? Buffer.alloc(0), bytes]));
      return Promise.resolve();
    };
    return Promise.resolve({ write, sync: done, close: done });
  }

  rename(from: string, to: string): Promise<void> {
    const content = this.files.get(from);
    if (content === undefined) return Promise.reject(noFile());
    this.files.delete(from);
    this.files.set(to, content);
    return Promise.resolve();
  }

  readonly makeFolder = done;
  readonly syncFolder = done;
}

const done = (): Promise<void> => Promise.resolve();
const noFile = (): Error => Object.assign(new Error('no such file'), { code: 'ENOENT' });

const PATH = '/links/node-1.state';

/** What a gateway makes of a file with this content. */
export async function loadedFrom(content: Uint8Array): Promise<LinkRecord> {
  const disk = new MemoryDisk();
  disk.files.set(PATH, Buffer.from(content));
  const record = await new LinkFile(PATH, disk, SILENT_LOG).load();
  must(disk.files.has(PATH), 'the file is gone');
  return record;
}

/** Written and read again, which must give the same. */
export async function keptAndLoaded(record: LinkRecord): Promise<void> {
  const { session: { settings = [], ...session } = {}, judge = {} } = record;
  const disk = new MemoryDisk();
  const state = {
    head: () => ({ session, judge }),
    settings: () => settings,
    takeChangedSettings: () => settings,
    takeStale: () => false,
  };
  await new LinkFile(PATH, disk, SILENT_LOG).save(state);
  const again = await new LinkFile(PATH, disk, SILENT_LOG).load();
  // Each line also says what it is of.
  const unmarked = again.session?.settings?.map((one) => ({ ...one, of: undefined }));
  agree('kept and loaded', { ...again.session, settings: unmarked }, { ...session, settings });
  agree('kept and loaded', again.judge ?? {}, judge);
}

/** As {@link keptAndLoaded}, where nothing may wait. */
export function mustBeLoadable({
  session: { settings = [], ...session } = {},
  judge,
}: LinkRecord): void {
  for (const entry of [
    { of: 'link', session, judge },
    ...settings.map((one) => ({ of: 'setting', ...one })),
  ]) {
    const text = JSON.stringify(entry);
    must(parseLinkEntry(JSON.parse(text)) !== undefined, `cannot be loaded again: ${text}`);
  }
}
