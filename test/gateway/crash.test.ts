/** What is in `stateDir` survives a loss of power between any two steps. */
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/gateway/state/disk.js';
import { LinkFile, type LinkState } from '../../src/gateway/state/link-file.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint, numberOf } from '../../src/point/point.js';
import { Settings } from '../../src/session/settings/settings.js';
import { CrashingDisk, REMAINS } from './crashing-disk.js';
import { complaints, recordingLog, type Said } from '../support/recording-log.js';

const NAMES = ['old', 'new'] as const;

/** Every way in which the power can go, `steps` operations after the start. */
function* cuts(steps: number) {
  for (let after = 0; after <= steps; after += 1)
    for (const bytes of REMAINS) for (const names of NAMES) yield { after, bytes, names };
}

describe('a file written atomically', () => {
  it('is the old one or the new one, never nothing, and the new one once its write is reported as done', async () => {
    const OLD = Buffer.from('old content');
    const NEW = Buffer.from('new content, which is longer');
    let states = 0;
    // create, write, sync, rename, sync folder
    for (const { after, bytes, names } of cuts(5)) {
      const disk = new CrashingDisk();
      await writeAtomically(disk, '/s/file', OLD);
      disk.cutAfter(after);
      const done = await writeAtomically(disk, '/s/file', NEW).then(
        () => true,
        () => false,
      );
      const found = Buffer.from(await disk.afterCut(bytes, names).read('/s/file')).toString();
      expect([OLD.toString(), NEW.toString()]).toContain(found);
      if (done) expect(found).toBe(NEW.toString());
      expect(done).toBe(after === 5);
      states += 1;
    }
    expect(states).toBe(48);
  });
});

class Kept implements LinkState {
  constructor(readonly allSettings: Settings) {}
  head = () => ({ session: { sequence: 7 } });
  settings = () => this.allSettings.records();
  takeChangedSettings = () => this.allSettings.takeChanged();
  takeStale = () => false;
  set(type: string, value: number): void {
    const time = (this.allSettings.get(type, '')?.point.time ?? 0n) + 1n;
    this.allSettings.take(makePoint({ type, value: floatValue(value), time, origin: 'u' }));
  }
  values(): Record<string, number> {
    return Object.fromEntries(
      [...this.allSettings.all()].map(({ point }) => [point.type, numberOf(point.value)]),
    );
  }
}

async function start(disk: CrashingDisk, said: Said[] = []) {
  const file = new LinkFile('/s/link', disk, recordingLog(said));
  const allSettings = new Settings(new Set(), 100);
  allSettings.restore((await file.load()).session?.settings ?? []);
  return { file, kept: new Kept(allSettings) };
}

describe('a setting that was reported as saved', () => {
  /** Two settings are safe; then `a` changes, is saved, changes again, and the power goes. */
  async function life(cut: {
    after: number;
    bytes: (typeof REMAINS)[number];
    names: 'old' | 'new';
  }) {
    const disk = new CrashingDisk();
    const first = await start(disk);
    first.kept.set('a', 1);
    first.kept.set('b', 1);
    await first.file.save(first.kept);
    disk.cutAfter(cut.after);
    let safe = 1;
    for (const value of [2, 3, 4]) {
      first.kept.set('a', value);
      await first.file.save(first.kept);
      if (first.file.problem === undefined) safe = value;
    }
    const said: Said[] = [];
    const found = disk.afterCut(cut.bytes, cut.names);
    const second = await start(found, said);
    return { safe, said, found, second };
  }

  it('is there, or a later one is, and all others are', async () => {
    for (const cut of cuts(9)) {
      const { safe, second, said } = await life(cut);
      const { a = 0, b } = second.kept.values();
      const where = JSON.stringify(cut);
      expect(b, where).toBe(1);
      expect(a, where).toBeGreaterThanOrEqual(safe);
      expect(complaints(said), where).toEqual([]);
    }
  });

  it('is there also after a second power cut, while what the first has torn is written anew', async () => {
    for (const cut of cuts(9)) {
      for (const { after, bytes, names } of cuts(6)) {
        const { second, found } = await life(cut);
        const before = second.kept.values();
        found.cutAfter(after);
        second.kept.set('c', 1);
        await second.file.save(second.kept);
        const saved = second.file.problem === undefined;
        const third = await start(found.afterCut(bytes, names));
        const where = JSON.stringify([cut, { after, bytes, names }]);
        expect(third.kept.values(), where).toMatchObject(before);
        if (saved) expect(third.kept.values().c, where).toBe(1);
      }
    }
  });

  it('is there also while a file that has grown is written anew', async () => {
    const disk = new CrashingDisk();
    const { file, kept } = await start(disk);
    let count = 0;
    const anew = (): number => disk.did.filter((step) => step.startsWith('rename')).length;
    while (anew() < 2) {
      // The power goes at each step of a longer run: what is found must have the value just saved.
      kept.set('a', (count += 1));
      await file.save(kept);
      if (count < 300 && anew() < 2) continue;
      for (const bytes of REMAINS) {
        const found = await start(disk.afterCut(bytes, 'old'));
        expect(found.kept.values().a).toBe(count);
      }
    }
    expect(count).toBeGreaterThan(300);
  });
});

describe('the cost of saving', () => {
  it('is one sync for all that changes while another is under way', async () => {
    const disk = new CrashingDisk();
    const { file, kept } = await start(disk);
    await file.save(kept);
    const before = disk.syncs;
    const savings: Promise<boolean>[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      kept.set(`t${String(n % 50)}`, n);
      savings.push(file.save(kept));
    }
    await Promise.all(savings);
    expect(disk.syncs - before).toBe(1);
    const again = await start(disk.afterCut('none', 'old'));
    expect(again.kept.values()).toEqual(kept.values());
  });

  it('is as many bytes as have changed, with 5,000 settings as with one', async () => {
    const disk = new CrashingDisk();
    const file = new LinkFile('/s/link', disk, SILENT_LOG);
    const kept = new Kept(new Settings(new Set(), 5_000));
    for (let n = 0; n < 5_000; n += 1) kept.set(`t${String(n)}`, n);
    await file.save(kept);
    const size = async (): Promise<number> => (await disk.read('/s/link')).length;
    const whole = await size();
    for (let n = 0; n < 100; n += 1) {
      kept.set(`t${String(n)}`, -n);
      await file.save(kept);
    }
    expect((await size()) - whole).toBeLessThan(100 * 200);
  });
});
