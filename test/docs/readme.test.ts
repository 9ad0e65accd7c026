/** The README is short, and what it says is installed is in the package. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { read, withoutCodeBlocks } from './documents.js';

const readme = read('README.md');
const { license, scripts } = JSON.parse(read('package.json')) as {
  license: string;
  scripts: Record<string, string>;
};

/** Paths that `npm pack` would put into the package. */
function packed(): string[] {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout, stderr } = spawnSync('npm', args, { encoding: 'utf8' });
  const [tarball] = JSON.parse(stdout || `"${stderr}"`) as [{ files: { path: string }[] }];
  return tarball.files.map(({ path }) => path);
}

const files = packed();

describe('README.md', () => {
  it('has fewer than 200 lines', () => {
    expect(readme.split('\n').length).toBeLessThan(200);
  });

  it('names no file as part of the npm package that is not in it', () => {
    const [, sentence = ''] = /The npm package that (.*)$/m.exec(readme) ?? [];
    const named = [...sentence.matchAll(/`([^`\s]+)`/g)].map(([, path = '']) => path);
    expect(named).toContain('docs');
    for (const path of named) {
      const there = files.some((file) => file === path || file.startsWith(`${path}/`));
      expect([path, there]).toEqual([path, true]);
    }
  });

  it('shows only npm scripts that exist', () => {
    const pages = [readme, read('CONTRIBUTING.md'), read('docs/operation.md')].join('\n');
    const named = [...pages.matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map(
      ([, script = '']) => script,
    );
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  });
});

it('the licence is the one that package.json names', () => {
  expect(license).toBe('MIT');
  expect(read('LICENSE')).toMatch(
    /^MIT License\n\nCopyright \(c\) 2026 The siot-mcu-gateway authors\n/,
  );
  expect(withoutCodeBlocks(readme)).toContain(`[${license}](LICENSE)`);
});
