/** What `npm pack` puts into the package, which is all that users have. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join, normalize, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../support/temp-dir.js';

it('has the programs, and all files that they find by their names in package.json', () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout, stderr } = spawnSync('npm', args, { encoding: 'utf8' });
  const [packed] = JSON.parse(stdout || `"${stderr}"`) as [{ files: { path: string }[] }];
  const files = packed.files.map(({ path }) => path);
  const { bin, imports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    bin: Record<string, string>;
    imports: Record<string, string>;
  };
  const named = Object.values({ ...bin, ...imports }).map((path) => normalize(path));
  for (const path of named.filter((one) => !one.includes('*'))) expect(files).toContain(path);
  for (const path of named.filter((one) => one.includes('*'))) {
    const folder = path.slice(0, path.indexOf('*'));
    expect(files.some((file) => file.startsWith(folder))).toBe(true);
  }
  expect(files.filter((file) => /(^|\/)test\//.test(file))).toEqual([]);
});

it('is started by a link to it, as README.md installs it', () => {
  const { bin, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    bin: Record<string, string>;
    version: string;
  };
  const link = join(tempDir(), 'siot-mcu');
  symlinkSync(resolve(bin['siot-mcu'] ?? ''), link);
  expect(execFileSync(link, ['--version'], { encoding: 'utf8' })).toContain(version);
});
