import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LinkFile, LinkState } from '../../../src/gateway/state/link-file.js';
import type { LinkHead, LinkRecord } from '../../../src/gateway/state/link-record.js';
import { StateDir } from '../../../src/gateway/state/state-dir.js';
import { floatValue, makePoint, numberOf } from '../../../src/point/point.js';
import { Settings } from '../../../src/session/settings/settings.js';
import { tempDir } from '../../support/temp-dir.js';

import type { Setting } from '../../../src/session/settings/setting.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';
import { confirm, transmit } from '../../support/setting-events.js';

function rig(path = join(tempDir(), 'state')) {
  const said: Said[] = [];
  const state = new StateDir(path, recordingLog(said));
  return { path, said, state, at: join(path, 'links', 'dev-1.state') };
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();

/** What a link keeps: a head, and real settings. */
class Kept implements LinkState {
  readonly allSettings = new Settings(new Set(['restart']), 10_000);
  session: NonNullable<LinkHead['session']> = { codec: 'compact', sequence: 7 };
  time = 0n;

  head = (): LinkHead => ({ session: this.session, judge: {} });
  settings = () => this.allSettings.records();
  takeChangedSettings = () => this.allSettings.takeChanged();
  takeStale = () => false;

  set(type: string, value: number, key = ''): Setting {
    this.time += 1n;
    const point = makePoint({ type, key, value: floatValue(value), time: this.time, origin: 'u' });
    return this.allSettings.take(point).setting;
  }
}

/** `type/key=value state`, of each setting. */
function shown(record: LinkRecord): string[] {
  const allSettings = new Settings(new Set(['restart']), 10_000);
  allSettings.restore(record.session?.settings ?? []);
  return [...allSettings.all()].map(
    ({ point, state }) => `${point.type}/${point.key}=${String(numberOf(point.value))} ${state}`,
  );
}

const loaded = (path: string, nodeId = 'dev-1'): Promise<LinkRecord> =>
  rig(path).state.linkFile(nodeId).load();

describe('what is known of a link', () => {
  it('is nothing at first, and kept then', async () => {
    const { state, path, said } = rig();
    const file = state.linkFile('dev-1');
    expect(await file.load()).toEqual({});
    const kept = new Kept();
    kept.set('limit', 1, 'a');
    confirm(kept.set('limit', 2, 'b'), 'ack');
    await file.save(kept);
    const record = await loaded(path);
    expect(record.session).toMatchObject({ codec: 'compact', sequence: 7 });
    expect(shown(record)).toEqual(['limit/a=1 pending', 'limit/b=2 inForce']);
    expect(said).toEqual([]);
  });

  it('is extended by one line for each change, and the last line of each setting counts', async () => {
    const { state, path, at } = rig();
    const file = state.linkFile('dev-1');
    const kept = new Kept();
    const a = kept.set('limit', 1, 'a');
    kept.set('limit', 2, 'b');
    await file.save(kept);
    const lines = (): number => readFileSync(at, 'utf8').split('\n').length - 1;
    expect(lines()).toBe(3);
    confirm(a, 'ack');
    await file.save(kept);
    expect(lines()).toBe(4);
    await file.save(kept);
    expect(lines()).toBe(4);
    kept.set('limit', 3, 'b');
    kept.session = { codec: 'compact', sequence: 8 };
    await file.save(kept);
    expect(lines()).toBe(6);
    const record = await loaded(path);
    expect(shown(record)).toEqual(['limit/a=1 inForce', 'limit/b=3 pending']);
    expect(record.session?.sequence).toBe(8);
  });

  it.each([
    ['a transmission', transmit, 'sent', undefined],
    ['a confirmation', (one: Setting) => confirm(one, 'ack', 5n), 'inForce', 5n],
    [
      'what is sent again after a restart of the device',
      (one: Setting) => confirm(one, 'ack', 5n).on({ type: 'resync', restore: true }),
      'pending',
      5n,
    ],
    ['an end', (one: Setting) => one.on({ type: 'noRoom' }), 'refused', undefined],
  ] as const)('includes %s', async (_, change, name, confirmedNs) => {
    const { state, path } = rig();
    const file = state.linkFile('dev-1');
    const kept = new Kept();
    const setting = kept.set('limit', 1);
    await file.save(kept);
    change(setting);
    setting.spelling = '0';
    await file.save(kept);
    const allSettings = new Settings(new Set(), 10);
    allSettings.restore((await loaded(path)).session?.settings ?? []);
    const again = allSettings.get('limit', '');
    expect(again).toMatchObject({ state: setting.state, spelling: '0' });
    expect([again?.life.name, again?.confirmedNs]).toEqual([name, confirmedNs]);
  });

  it('is written anew when it has grown, and then grows again', async () => {
    const { state, path, at } = rig();
    const file = state.linkFile('dev-1');
    const kept = new Kept();
    const sizes: number[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      kept.set('limit', n, String(n % 3));
      await file.save(kept);
      sizes.push(statSync(at).size);
    }
    expect(Math.max(...sizes)).toBeGreaterThan(60_000);
    expect(Math.max(...sizes)).toBeLessThan(70_000);
    expect(shown(await loaded(path))).toEqual(
      [999, 997, 998].map((n) => `limit/${String(n % 3)}=${String(n)} pending`),
    );
  });

  it.each([
    ['a/b/c'],
    ['..'],
    ['..'],
    ['/etc/passwd'],
    ['äöü✓😀'],
    ['%2F'],
    ['a\\b'],
    ['CON'],
    ['x'.repeat(255)],
    ['✓'.repeat(85)],
    ['/'.repeat(255)],
    // Half a character, as YAML can write it.
    ['\ud800'],
  ])('is kept under the node ID %j, inside its folder', async (nodeId) => {
    const { state, path, said } = rig();
    await state.openGateway();
    await state.linkFile(nodeId).save(new Kept());
    expect((await loaded(path, nodeId)).session).toMatchObject({ sequence: 7 });
    expect(await state.linkFile(`${nodeId}x`).load()).toEqual({});
    expect(complaints(said)).toEqual([]);
    const files = filesIn(path);
    expect(files).toHaveLength(3);
    expect(files.filter((file) => /^links\/[^/]+\.state$/.test(file))).toHaveLength(1);
  });

  it('is not mixed up between similar IDs', async () => {
    const { state, path } = rig();
    const long = 'ä'.repeat(120);
    const ids = [`${long}a`, `${long}b`, 'a/b', 'a%2Fb', 'a', 'A'];
    for (const [sequence, id] of ids.entries()) {
      const kept = new Kept();
      kept.session = { sequence };
      await state.linkFile(id).save(kept);
    }
    for (const [sequence, id] of ids.entries()) {
      expect((await loaded(path, id)).session).toMatchObject({ sequence });
    }
  });

  it('is for the gateway’s user only: settings may be secrets', async () => {
    const { state, at } = rig();
    await state.linkFile('dev-1').save(new Kept());
    expect(statSync(at).mode & 0o077).toBe(0);
  });
});

describe('a broken line', () => {
  async function broken(spoil: (text: string) => string) {
    const before = rig();
    const kept = new Kept();
    for (const key of ['a', 'b', 'c']) kept.set('limit', 1, key);
    await before.state.linkFile('dev-1').save(kept);
    const text = spoil(readFileSync(before.at, 'utf8'));
    writeFileSync(before.at, text);
    const after = rig(before.path);
    const file = after.state.linkFile('dev-1');
    return { ...after, file, text, record: await file.load() };
  }

  it('costs only what is in it; the file is put aside, which is logged', async () => {
    const { record, file, path, at, text, said } = await broken((good) =>
      good.replace('"key":"b"', '"key":"d"'),
    );
    expect(shown(record)).toEqual(['limit/a=1 pending', 'limit/c=1 pending']);
    expect(filesIn(join(path, 'links'))).toEqual(['dev-1.state', 'dev-1.state.broken']);
    expect(readFileSync(`${at}.broken`, 'utf8')).toBe(text);
    expect(file.damage).toMatch(
      /^1 of 4 lines .* were broken: settings may be lost; see .*broken$/,
    );
    expect(complaints(said)).toEqual([file.damage]);
    // And is gone with the next saving.
    const kept = new Kept();
    kept.allSettings.restore(record.session?.settings ?? []);
    await file.save(kept);
    expect(shown(await loaded(path))).toEqual(['limit/a=1 pending', 'limit/c=1 pending']);
    expect(await rig(path).state.linkFile('dev-1').load()).toBeDefined();
    expect(file.damage).toBeDefined();
  });

  it.each(['\n', '{\n', 'null\n', '[]\n', '\0\0\0\0\0\0\n', 'ffff {}\n', '0000 \n'])(
    '%j is one',
    async (content) => {
      const { record, file } = await broken((good) => `${good}${content}`);
      expect(shown(record)).toHaveLength(3);
      expect(file.damage).toMatch(/^1 of 5/);
    },
  );

  it('that is the torn end of a crash is left out, and overwritten by the next save', async () => {
    for (const cut of [1, 5, 30, 90]) {
      const { record, file, path, said } = await broken((good) => good.slice(0, -cut));
      expect(shown(record)).toEqual(['limit/a=1 pending', 'limit/b=1 pending']);
      expect(complaints(said)).toEqual([]);
      expect(file.damage).toBeUndefined();
      const kept = new Kept();
      kept.allSettings.restore(record.session?.settings ?? []);
      kept.time = 10n;
      kept.set('limit', 5, 'c');
      await file.save(kept);
      expect(shown(await loaded(path))).toContain('limit/c=5 pending');
    }
  });

  it.each([
    [
      'zeros, as a disk gives them back that lost its power',
      (good: string) => '\0'.repeat(good.length),
    ],
    ['junk', () => 'þ'.repeat(1_000)],
    ['junk of several lines', () => 'þ\nþ\nþ'],
    ['half of its first line', (good: string) => good.slice(0, 30)],
    ['nothing', () => ''],
  ])('no line is valid in a file of %s: all is lost, which is no torn end', async (_, spoil) => {
    const { record, file, at, text, said } = await broken(spoil);
    expect(shown(record)).toEqual([]);
    expect(readFileSync(`${at}.broken`, 'utf8')).toBe(text);
    expect(file.damage).toMatch(
      /^nothing of what is known of the link could be read.*see .*broken$/,
    );
    expect(complaints(said)).toEqual([file.damage]);
  });

  it('a file that cannot be read is put aside, not written over', async () => {
    const { state, at, path, said } = rig();
    mkdirSync(at, { recursive: true });
    const file = state.linkFile('dev-1');
    expect(await file.load()).toEqual({});
    expect(file.damage).toMatch(/cannot be read.*settings may be lost; see/);
    expect(complaints(said)).toEqual([file.damage]);
    await file.save(new Kept());
    expect(filesIn(join(path, 'links'))).toEqual(['dev-1.state', 'dev-1.state.broken']);
  });
});

describe('saving', () => {
  it('resolves when its state, or a later one, is on disk', async () => {
    const { state, path } = rig();
    const file: LinkFile = state.linkFile('dev-1');
    const kept = new Kept();
    const savings = Array.from({ length: 30 }, async (_, n) => {
      // Some at once, some while others are being written.
      for (let turn = 0; turn < n % 7; turn++) await new Promise((next) => setImmediate(next));
      const { point } = kept.set('limit', n);
      await file.save(kept);
      const [setting] = (await loaded(path)).session?.settings ?? [];
      expect(BigInt(setting?.time ?? '-1')).toBeGreaterThanOrEqual(point.time);
    });
    await Promise.all(savings);
  });

  it('to a file that was deleted writes all of it', async () => {
    const { state, path, at } = rig();
    const file = state.linkFile('dev-1');
    const kept = new Kept();
    kept.set('limit', 1, 'a');
    await file.save(kept);
    rmSync(at);
    kept.set('limit', 2, 'b');
    await file.save(kept);
    expect(shown(await loaded(path))).toEqual(['limit/a=1 pending', 'limit/b=2 pending']);
  });

  it('goes on without a disk, logs that once, and writes all of it when the disk is back', async () => {
    const { state, path, said, at } = rig();
    const links = join(path, 'links');
    const file = state.linkFile('dev-1');
    const kept = new Kept();
    kept.set('limit', 1, 'a');
    await file.save(kept);
    renameSync(links, `${links}-away`);
    writeFileSync(links, 'in the way');
    kept.set('limit', 2, 'b');
    await file.save(kept);
    kept.set('limit', 3, 'c');
    await Promise.all([file.save(kept), file.save(kept)]);
    expect(complaints(said)).toEqual([
      `state cannot be written to ${at} (a part of its path is not a folder): it would be lost in a restart of the gateway`,
    ]);
    expect(file.problem).toMatch(/settings cannot be saved: a part of its path is not a folder/);
    rmSync(links);
    renameSync(`${links}-away`, links);
    await file.save(kept);
    expect(shown(await loaded(path))).toHaveLength(3);
    expect(file.problem).toBeUndefined();
    expect(said.at(-1)?.message).toBe(`state can be written again to ${at}`);
  });
});
