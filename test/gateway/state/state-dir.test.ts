import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateDir, StateError } from '../../../src/gateway/state/state-dir.js';
import { isUuid } from '../../../src/gateway/state/uuid.js';
import { tempDir } from '../../support/temp-dir.js';
import { recordingLog, type Said } from '../../support/recording-log.js';

function rig(path = join(tempDir(), 'state')) {
  const said: Said[] = [];
  return { path, said, state: new StateDir(path, recordingLog(said)) };
}

describe('when a link was last said to be connected, or not', () => {
  it('is in its file; of an earlier version it is when that was written; or nothing is known', async () => {
    const { state, path } = rig();
    mkdirSync(join(path, 'links'), { recursive: true });
    const save = (connected: string | undefined): Promise<boolean> =>
      state.linkFile('pump').save({
        head: () => ({ connected }),
        settings: () => [],
        takeChangedSettings: () => [],
        takeStale: () => false,
      });
    await save(undefined);
    const { mtimeNs } = statSync(join(path, 'links', 'pump.state'), { bigint: true });
    expect(await state.lastConnected('pump')).toEqual({ ns: mtimeNs, isExact: false });
    await save('122');
    await save('123');
    expect(await state.lastConnected('pump')).toEqual({ ns: 123n, isExact: true });
    expect(await state.lastConnected('fan')).toEqual({ ns: 0n, isExact: false });
  });
});

describe('the identity of the gateway', () => {
  it('is made at first start and kept', async () => {
    const { state, path } = rig();
    const { id, store } = await state.openGateway();
    expect(isUuid(id)).toBe(true);
    expect(store).toBeUndefined();
    expect(await rig(path).state.openGateway()).toEqual({ id });
    expect(await rig().state.openGateway()).not.toEqual({ id });
  });

  it('is kept together with the store that has answered', async () => {
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

  it('stays, though a store of an unknown generation is forgotten', async () => {
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

  it.each<[string, (path: string) => void, string]>([
    [
      'is a folder in which none can be made',
      (path) => {
        mkdirSync(path);
        writeFileSync(join(path, 'links'), '');
      },
      'cannot be written: a part of its path is not a folder',
    ],
    ['is a file', (path) => writeFileSync(path, ''), 'is a file'],
    [
      'leads to nothing',
      (path) => symlinkSync('nowhere', path),
      'is a symbolic link to a folder that does not exist',
    ],
  ])('does not say that it cannot be made when it is there: it %s', async (_what, make, why) => {
    const { state, path } = rig();
    make(path);
    await expect(state.openGateway()).rejects.toThrow(`stateDir ${path} ${why}; give`);
  });

  it('does not wait for ever for a folder that the system cannot make', async () => {
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
