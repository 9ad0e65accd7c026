import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepPrivate } from '../../../src/gateway/state/private-state.js';
import { tempDir } from '../../support/temp-dir.js';
import { GatewayUnderTest } from '../plant.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

/** As an earlier version left it. */
function openState(): string {
  const path = join(tempDir(), 'state');
  for (const folder of [path, join(path, 'links'), join(path, 'outbox')]) {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
  }
  for (const file of ['gateway.json', 'links/a.state', 'outbox/1.points']) {
    writeFileSync(join(path, file), '{}');
    chmodSync(join(path, file), 0o644);
  }
  return path;
}

async function kept(path: string): Promise<string[]> {
  const said: Said[] = [];
  await keepPrivate(path, recordingLog(said));
  return complaints(said);
}

describe('stateDir', () => {
  it('is for its user alone when a gateway has made it, with all that is in it', async () => {
    const folder = tempDir();
    const gateway = new GatewayUnderTest(folder, { nats: { embedded: true }, links: [] });
    await gateway.start();
    const state = join(folder, 'state');
    const names = readdirSync(state, { recursive: true }) as string[];
    expect(names).toContain('gateway.json');
    for (const path of [state, ...names.map((name) => join(state, name))]) {
      expect([path, modeOf(path) & 0o077]).toEqual([path, 0]);
    }
    for (const path of [state, join(state, 'links'), join(state, 'outbox')]) {
      expect(modeOf(path)).toBe(0o700);
    }
  });

  it('that an earlier version has left readable for others is closed', async () => {
    const path = openState();
    expect(await kept(path)).toEqual([]);
    for (const folder of ['', 'links', 'outbox']) expect(modeOf(join(path, folder))).toBe(0o700);
    for (const file of ['gateway.json', 'links/a.state', 'outbox/1.points']) {
      expect(modeOf(join(path, file))).toBe(0o600);
    }
  });

  it('that others use as well is not closed to them, which is logged', async () => {
    const path = openState();
    writeFileSync(join(path, 'gateway.yaml'), '');
    expect((await kept(path)).join()).toContain('stays so since it holds more than');
    expect(modeOf(path)).toBe(0o755);
    expect(modeOf(join(path, 'gateway.yaml'))).toBe(0o644);
    expect(modeOf(join(path, 'links'))).toBe(0o700);
    expect(modeOf(join(path, 'gateway.json'))).toBe(0o600);
  });
});

describe.skipIf(process.getuid?.() !== 0)(
  'stateDir of another user (skipped unless root runs the tests)',
  () => {
    it('is closed by root as well', async () => {
      const path = openState();
      chownSync(path, 65_534, 65_534);
      expect(await kept(path)).toEqual([]);
      expect(modeOf(path)).toBe(0o700);
      expect(statSync(path).uid).toBe(65_534);
    });
  },
);
