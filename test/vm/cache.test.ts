import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/temp-dir.js';
import { cacheFolder, findEntry, kernelOf, makeEntry, recipeOf } from './modules.js';

const RECIPE = '0123456789ab';
const OTHER = 'ba9876543210';

describe('the lab’s cache', () => {
  it('is where the user’s caches are', () => {
    const place = (env: Readonly<Record<string, string>>) => cacheFolder({ env, home: '/home/a' });
    expect(place({})).toBe('/home/a/.cache/siot-mcu-gateway/lab');
    expect(place({ XDG_CACHE_HOME: '/var/c' })).toBe('/var/c/siot-mcu-gateway/lab');
    expect(place({ XDG_CACHE_HOME: 'relative' })).toBe('/home/a/.cache/siot-mcu-gateway/lab');
  });

  it('has another key when one of the scripts is another', () => {
    const folder = tempDir();
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    writeFileSync(a, 'one');
    writeFileSync(b, 'two');
    const before = recipeOf([a, b]);
    expect(recipeOf([b, a])).toBe(before);
    expect(before).toMatch(/^[0-9a-f]{12}$/);
    writeFileSync(b, 'tow');
    expect(recipeOf([a, b])).not.toBe(before);
  });

  it('finds the newest kernel that these scripts have prepared', () => {
    const folder = tempDir();
    expect(findEntry(join(folder, 'none'), RECIPE)).toBeUndefined();
    const names = [
      `linux-image-6.1.0-9-amd64_6.1.27-1_${RECIPE}`,
      `linux-image-6.1.0-56-amd64_6.1.192-2_${RECIPE}`,
      `linux-image-6.12.0-1-amd64_6.12.1-1_${OTHER}`,
      'unfinished-x1',
    ];
    for (const name of names) mkdirSync(join(folder, name));
    const found = findEntry(folder, RECIPE) ?? '';
    expect(found).toBe(join(folder, names[1]!));
    expect(kernelOf(found)).toBe('6.1.0-56-amd64');
  });

  it('keeps what was made whole, and nothing of what was not', async () => {
    const folder = join(tempDir(), 'lab');
    const made = { name: 'linux-image-6.1.0-1-amd64', version: '6.1.1-1' };
    const failing = makeEntry(folder, RECIPE, (work) => {
      writeFileSync(join(work, 'vmlinux'), 'half');
      return Promise.reject(new Error('no space'));
    });
    await expect(failing).rejects.toThrow('no space');
    expect(readdirSync(folder)).toEqual([]);

    const entry = await makeEntry(folder, RECIPE, (work) => {
      writeFileSync(join(work, 'vmlinux'), 'whole');
      // Another run, meanwhile, that is quicker.
      return Promise.resolve(made);
    });
    expect(entry).toBe(findEntry(folder, RECIPE));
    const again = await makeEntry(folder, RECIPE, () => Promise.resolve(made));
    expect(again).toBe(entry);
    expect(readFileSync(join(entry, 'vmlinux'), 'utf8')).toBe('whole');
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('says what to do where it cannot be written', async () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    const making = makeEntry(join(file, 'lab'), RECIPE, () => Promise.reject(new Error('unused')));
    await expect(making).rejects.toThrow(/cannot be written: .*; set XDG_CACHE_HOME to a folder/);
    expect(existsSync(join(file, 'lab'))).toBe(false);
  });
});
