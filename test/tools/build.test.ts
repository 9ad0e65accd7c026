/** What `npm test -- FILE` compiles by itself is what the build would write. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { SLOWNESS } from '../support/slowness.js';
import { tempDir } from '../support/temp-dir.js';

/** Some seconds; many more where the machine has other work. */
const COMPILERS_MS = 120_000 * SLOWNESS;

/** A file that main.ts imports. */
const PART = 'src/cli/part.ts';

/** A checkout with two programs, of which `main` is also written with all that it imports. */
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
  put('src/cli/main.ts', "export { of } from './part.js';\n");
  let at = 1_700_000_000;
  return {
    folder,
    put,
    /** Has the installed packages but these. */
    without(...packages: string[]): void {
      const installed = join(folder, 'node_modules');
      rmSync(installed);
      mkdirSync(installed);
      for (const name of readdirSync('node_modules').filter((one) => !packages.includes(one))) {
        symlinkSync(resolve('node_modules', name), join(installed, name));
      }
    },
    /** Each text at a time of its own, whatever the clock's tick. */
    part(text: string): void {
      put(PART, text);
      utimesSync(join(folder, PART), ++at, at);
    },
    /** What is written of both. */
    run(name: 'build' | 'buildWithoutTypes'): { readonly part: string; readonly main: string } {
      const url = pathToFileURL(join(folder, 'tools', 'build.mjs')).href;
      const code = `await (await import(${JSON.stringify(url)})).${name}(false);`;
      execFileSync(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
      const written = (name: string): string =>
        [`${name}.js`, `${name}.js.map`]
          .map((file) => readFileSync(join(folder, 'dist/src/cli', file), 'utf8'))
          .join('\n');
      return { part: written('part'), main: written('main') };
    },
  };
}

const source = (text: string): string =>
  `import type { Stats } from 'node:fs';\nimport { join } from 'node:path';\n` +
  `export const of = (stats: Stats): string => join(String(stats.size), '${text}');\n`;

it(
  'writes a changed file as the build does, and never leaves an older one',
  () => {
    const { part, run } = checkout();
    part(source('one'));
    const first = run('build');
    expect(first.part).toContain("'one'");
    expect(first.main).toContain('"one"');

    part(source('two'));
    const second = run('buildWithoutTypes');
    expect(second.part).toContain("'two'");
    expect(second.main).toContain('"two"');

    // The compiler would take this one for what it has written already.
    part(source('one'));
    expect(run('build')).toEqual(first);
    part(source('two'));
    run('buildWithoutTypes');
    part(source('one'));
    expect(run('buildWithoutTypes')).toEqual(first);
  },
  COMPILERS_MS,
);

it(
  'refuses what is no TypeScript, and names the file',
  () => {
    const { part, run } = checkout();
    part('export const = 1;\n');
    expect(() => run('buildWithoutTypes')).toThrow(/src\/cli\/part\.ts.*1,14.*expected/);
  },
  COMPILERS_MS,
);

it(
  'writes the program anew where rolldown cannot be loaded any more, and again where it can',
  () => {
    const { folder, put, part, run, without } = checkout();
    put('src/cli/main.ts', "#!/usr/bin/env node\nconsole.log((await import('./part.js')).text);\n");
    const program = join(folder, 'dist/src/cli/main.js');
    const said = (): string => execFileSync(program, { encoding: 'utf8' }).trim();
    const bundled = (): boolean[] =>
      ['parts', 'main.js.LICENSE.txt'].map((name) => existsSync(join(program, '..', name)));
    part("export const text = 'one';\n");
    run('build');
    expect([said(), ...bundled()]).toEqual(['one', true, true]);

    without('rolldown');
    part("export const text = 'two';\n");
    run('build');
    expect([said(), ...bundled()]).toEqual(['two', false, false]);

    // A bundler that has changed bundles again; no source has changed.
    symlinkSync(resolve('node_modules/rolldown'), join(folder, 'node_modules/rolldown'));
    appendFileSync(join(folder, 'tools/bundle.mjs'), '// Changed.\n');
    run('buildWithoutTypes');
    expect([said(), ...bundled()]).toEqual(['two', true, true]);
  },
  COMPILERS_MS,
);

it(
  'refuses to bundle a package whose licence is not known, and names it',
  () => {
    const { put, part, run, without } = checkout();
    without();
    part(source('one'));
    put('node_modules/bare/package.json', '{"name":"bare","version":"1.2.3","license":"MIT"}');
    put('node_modules/bare/index.js', 'console.log(1);\n');
    put('src/cli/main.ts', "import 'bare';\n");
    expect(() => run('buildWithoutTypes')).toThrow(/bare 1\.2\.3 has no licence file/);
  },
  COMPILERS_MS,
);
