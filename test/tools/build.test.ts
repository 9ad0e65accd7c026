/** What `npm test -- FILE` compiles by itself is what the build would write. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { SLOWNESS } from '../support/slowness.js';
import { tempDir } from '../support/temp-dir.js';

/** Some seconds; many more where the machine has other work. */
const COMPILERS_MS = 120_000 * SLOWNESS;

/** A checkout with two programs, of which `write-schema` says what it was started for. */
function checkout() {
  const folder = tempDir();
  const put = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  cpSync('tools', join(folder, 'tools'), { recursive: true });
  cpSync('tsconfig.json', join(folder, 'tsconfig.json'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  put('package.json', '{"type":"module"}');
  put('package-lock.json', '{}');
  put('proto/generate.mjs', '');
  put('src/cli/write-schema.ts', 'export const nothing = 0;\n');
  let at = 1_700_000_000;
  return {
    /** Each text at a time of its own, whatever the clock's tick. */
    main(text: string): void {
      put('src/cli/main.ts', text);
      utimesSync(join(folder, 'src/cli/main.ts'), ++at, at);
    },
    run(name: 'build' | 'buildWithoutTypes'): string {
      const url = pathToFileURL(join(folder, 'tools', 'build.mjs')).href;
      const code = `await (await import(${JSON.stringify(url)})).${name}(false);`;
      execFileSync(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
      return ['main.js', 'main.js.map']
        .map((file) => readFileSync(join(folder, 'dist/src/cli', file), 'utf8'))
        .join('\n');
    },
  };
}

const source = (text: string): string =>
  `import type { Stats } from 'node:fs';\nimport { join } from 'node:path';\n` +
  `export const of = (stats: Stats): string => join(String(stats.size), '${text}');\n`;

it(
  'writes a changed file as the build does, and never leaves an older one',
  () => {
    const { main, run } = checkout();
    main(source('one'));
    const first = run('build');
    expect(first).toContain("'one'");

    main(source('two'));
    expect(run('buildWithoutTypes')).toContain("'two'");

    // The compiler would take this one for what it has written already.
    main(source('one'));
    expect(run('build')).toBe(first);
    main(source('two'));
    run('buildWithoutTypes');
    main(source('one'));
    expect(run('buildWithoutTypes')).toBe(first);
  },
  COMPILERS_MS,
);

it(
  'refuses what is no TypeScript, and names the file',
  () => {
    const { main, run } = checkout();
    main('export const = 1;\n');
    expect(() => run('buildWithoutTypes')).toThrow(/src\/cli\/main\.ts.*1,14.*expected/);
  },
  COMPILERS_MS,
);
