import {
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateDir, StateError } from '../../src/gateway/state-dir.js';
import { isUuid } from '../../src/gateway/uuid.js';
import { tempDir } from '../support/temp-dir.js';
import { complaints, recordingLog, type Said } from './support.js';

function rig(path = join(tempDir(), 'state')) {
  const said: Said[] = [];
  return { path, said, state: new StateDir(path, recordingLog(said)) };
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('the identity of the gateway', () => {
  it('is made at first start and kept', async () => {
    const { state, path } = rig();
    const { id, store } = await state.openGateway();
    expect(isUuid(id)).toBe(true);
    expect(store).toBeUndefined();
    expect(await rig(path).state.openGateway()).toEqual({ id });
    expect(await rig().state.openGateway()).not.toEqual({ id });
  });

  it('goes with the store that has answered', async () => {
    const { state, path } = rig();
    const { id } = await state.openGateway();
    await state.saveGateway({ id, store: { generation: 1 } });
    expect(await rig(path).state.openGateway()).toEqual({ id, store: { generation: 1 } });
  });

  it.each([
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"id":"pump"}',
    '{"id":7}',
    '{"store":{"generation":1}}',
  ])('is not made anew when its file holds %j: all nodes would be', async (content) => {
    const { state, path } = rig();
    mkdirSync(path);
    writeFileSync(join(path, 'gateway.json'), content);
    await expect(state.openGateway()).rejects.toThrow(StateError);
    await expect(state.openGateway()).rejects.toThrow(/gateway\.json is broken.*restore it/);
    expect(readFileSync(join(path, 'gateway.json'), 'utf8')).toBe(content);
  });

  it('forgets a store of no known generation, not itself', async () => {
    const { state, path } = rig();
    const id = '8d5e4a52-3f0c-4d5e-9a52-0123456789ab';
    mkdirSync(path);
    writeFileSync(join(path, 'gateway.json'), JSON.stringify({ id, store: { generation: 3 } }));
    expect(await state.openGateway()).toEqual({ id });
  });

  it('needs a folder that can be made, and says so', async () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    await expect(rig(join(file, 'state')).state.openGateway()).rejects.toThrow(
      `stateDir ${join(file, 'state')} cannot be made: a part of its path is not a folder; give the gateway a folder that it may write to`,
    );
  });

  it('does not wait for ever for a folder that the system has no room for', async () => {
    await expect(rig('/proc/nowhere/state').state.openGateway()).rejects.toThrow(
      'stateDir /proc/nowhere/state cannot be made: ',
    );
  });

  it('needs a folder that can be written', async () => {
    const { state, path } = rig();
    // Where the file is written first.
    mkdirSync(join(path, 'gateway.json.new'), { recursive: true });
    await expect(state.openGateway()).rejects.toThrow(/stateDir .* cannot be written: .*; give/);
  });
});

describe('what is known of a link', () => {
  const record = { session: { codec: 'compact', sequence: 7 } } as const;

  it('is nothing at first, and kept then', async () => {
    const { state, path, said } = rig();
    expect(await state.loadLink('dev-1')).toEqual({});
    await state.linkFile('dev-1').save(record);
    expect(await rig(path).state.loadLink('dev-1')).toEqual(record);
    expect(said).toEqual([]);
  });

  it.each([
    ['a/b/c'],
    ['..'],
    ['../gateway'],
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
  ])('is kept under the node ID %j, inside of its folder', async (nodeId) => {
    const { state, path, said } = rig();
    await state.openGateway();
    await state.linkFile(nodeId).save(record);
    expect(await rig(path).state.loadLink(nodeId)).toEqual(record);
    expect(await state.loadLink(`${nodeId}x`)).toEqual({});
    expect(complaints(said)).toEqual([]);
    const files = filesIn(path);
    expect(files).toHaveLength(3);
    expect(files.filter((file) => /^links\/[^/]+\.json$/.test(file))).toHaveLength(1);
  });

  it('is not mixed up between IDs whose names are alike', async () => {
    const { state } = rig();
    const long = 'ä'.repeat(120);
    const ids = [`${long}a`, `${long}b`, 'a/b', 'a%2Fb', 'a', 'A'];
    for (const [sequence, id] of ids.entries()) {
      await state.linkFile(id).save({ session: { sequence } });
    }
    for (const [sequence, id] of ids.entries()) {
      expect(await state.loadLink(id)).toEqual({ session: { sequence } });
    }
  });

  it.each(['', '{', 'null', '[]', '{"session":{"sequence":256}}', '\0'])(
    'is put aside when its file holds %j, and said',
    async (content) => {
      const { state, path, said } = rig();
      mkdirSync(join(path, 'links'), { recursive: true });
      const file = join(path, 'links', 'dev-1.json');
      writeFileSync(file, content);
      expect(await state.loadLink('dev-1')).toEqual({});
      expect(filesIn(join(path, 'links'))).toEqual(['dev-1.json.broken']);
      expect(readFileSync(`${file}.broken`, 'utf8')).toBe(content);
      expect(complaints(said)).toEqual([
        'what is known of the link is broken: put aside, starting anew',
      ]);
      await state.linkFile('dev-1').save(record);
      expect(await state.loadLink('dev-1')).toEqual(record);
    },
  );
});

describe('saving', () => {
  it('never changes a file, but takes its place: a crash leaves the one or the other', async () => {
    const { state, path } = rig();
    const file = state.linkFile('dev-1');
    const at = join(path, 'links', 'dev-1.json');
    await file.save({ n: 1 });
    const before = openSync(at, 'r');
    try {
      await file.save({ n: 2, more: 'x'.repeat(100) });
      expect(JSON.parse(readFileSync(before, 'utf8'))).toEqual({ n: 1 });
    } finally {
      closeSync(before);
    }
    expect(read(at)).toMatchObject({ n: 2 });
    expect(filesIn(join(path, 'links'))).toEqual(['dev-1.json']);
  });

  it('does not mind what a crash has left behind', async () => {
    const { state, path } = rig();
    mkdirSync(join(path, 'links'), { recursive: true });
    writeFileSync(join(path, 'links', 'dev-1.json.new'), '{"n": 1, "half": "x'.repeat(100));
    expect(await state.loadLink('dev-1')).toEqual({});
    await state.linkFile('dev-1').save({ n: 2 });
    expect(read(join(path, 'links', 'dev-1.json'))).toEqual({ n: 2 });
  });

  it('resolves each saving when its content, or a later one, is on disk; the last one wins', async () => {
    const { state, path } = rig();
    const file = state.linkFile('dev-1');
    const at = join(path, 'links', 'dev-1.json');
    const seen: [saved: number, onDisk: number][] = [];
    let count = 0;
    const savings = Array.from({ length: 30 }, async (_, n) => {
      // Some at once, some while others are being written.
      for (let turn = 0; turn < n % 7; turn++) await new Promise((next) => setImmediate(next));
      const order = (count += 1);
      await file.save({ n: order });
      seen.push([order, (read(at) as { n: number }).n]);
    });
    await Promise.all(savings);
    expect(seen).toHaveLength(30);
    for (const [saved, onDisk] of seen) expect(onDisk).toBeGreaterThanOrEqual(saved);
    expect(read(at)).toEqual({ n: 30 });
  });

  it('writes what has not changed only once', async () => {
    const { state, path } = rig();
    const file = state.linkFile('dev-1');
    const inode = (): bigint => statSync(join(path, 'links', 'dev-1.json'), { bigint: true }).ino;
    await file.save({ n: 1 });
    // Held open, so that no new file gets its number.
    const held = openSync(join(path, 'links', 'dev-1.json'), 'r');
    const first = inode();
    await file.save({ n: 1 });
    expect(inode()).toBe(first);
    await file.save({ n: 2 });
    expect(inode()).not.toBe(first);
    closeSync(held);
  });

  it('goes on without a disk, says so once, and when it is back', async () => {
    const { state, path, said } = rig();
    const links = join(path, 'links');
    const file = state.linkFile('dev-1');
    await file.save({ n: 1 });
    renameSync(links, `${links}-away`);
    writeFileSync(links, 'in the way');
    await file.save({ n: 2 });
    await Promise.all([file.save({ n: 3 }), file.save({ n: 2 })]);
    expect(complaints(said)).toEqual([
      'state cannot be written: it would be lost in a restart of the gateway',
    ]);
    rmSync(links);
    renameSync(`${links}-away`, links);
    expect(read(join(links, 'dev-1.json'))).toEqual({ n: 1 });
    // What failed before is not taken for written.
    await file.save({ n: 2 });
    expect(read(join(links, 'dev-1.json'))).toEqual({ n: 2 });
    expect(said.at(-1)?.message).toBe('state can be written again');
    await file.save({ n: 3 });
    expect(said).toHaveLength(2);
  });

  it('is for the gateway’s user only: settings may be secrets', async () => {
    const { state, path } = rig();
    await state.linkFile('dev-1').save({ n: 1 });
    expect(statSync(join(path, 'links', 'dev-1.json')).mode & 0o077).toBe(0);
  });
});
