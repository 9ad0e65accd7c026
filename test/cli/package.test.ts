/** What `npm pack` puts into the package, which is all that users have. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { linksOf, read } from '../docs/documents.js';
import { runCli } from '../support/cli.js';
import { SLOWNESS } from '../support/slowness.js';
import { tempDir } from '../support/temp-dir.js';

let files: string[] = [];

beforeAll(() => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const said = execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [packed] = JSON.parse(said) as [{ files: { path: string }[] }];
  files = packed.files.map(({ path }) => path);
});

const manifest = JSON.parse(read('package.json')) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly version: string;
};
const PROGRAM = manifest.bin['siot-mcu'] ?? '';

it('has the programs, and all files that they find by their names in package.json', () => {
  const named = Object.values({ ...manifest.bin, ...manifest.imports }).map((one) =>
    normalize(one),
  );
  for (const path of named.filter((one) => !one.includes('*'))) expect(files).toContain(path);
  for (const path of named.filter((one) => one.includes('*'))) {
    const folder = path.slice(0, path.indexOf('*'));
    expect(files.some((file) => file.startsWith(folder))).toBe(true);
  }
});

it('has the licence and what its pages link to, and nothing else of the tests', () => {
  expect(files).toContain('LICENSE');
  const pages = files.filter((file) => file.endsWith('.md'));
  expect(pages).toContain('README.md');
  const missing = pages.flatMap((page) =>
    linksOf(read(page))
      .filter((link) => !/^(?:[a-z]+:|#)/.test(link))
      .map((link) => normalize(join(dirname(page), link.replace(/#.*/, ''))))
      .filter((target) => !files.some((file) => file === target || file.startsWith(`${target}/`)))
      .map((target) => `${page} links to ${target}`),
  );
  expect(missing).toEqual([]);
  expect(files.filter((file) => /(^|\/)test\//.test(file) && !pages.includes(file))).toEqual([]);
});

it('has the licence text of each package whose code is in the program', () => {
  const path = `${PROGRAM}.LICENSE.txt`;
  expect(files).toContain(path);
  const licences = read(path).split(`\n${'-'.repeat(80)}\n\n`);
  expect(licences.some((text) => text.startsWith('saxes '))).toBe(true);
  expect(licences.filter((text) => text.length < 500)).toEqual([]);
});

it('is started by a link to it, as README.md installs it', () => {
  const link = join(tempDir(), 'siot-mcu');
  symlinkSync(resolve(PROGRAM), link);
  expect(execFileSync(link, ['--version'], { encoding: 'utf8' })).toContain(manifest.version);
});

/** The package as npm unpacks it, with the packages that it says it needs and no others. */
function unpacked(): string {
  const folder = tempDir();
  for (const file of files) cpSync(file, join(folder, file));
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  // Those that are below another package are found from there.
  const top = Object.keys(packages).filter((path) => path.lastIndexOf('node_modules/') === 0);
  for (const path of top.filter((one) => packages[one]?.dev !== true && existsSync(one))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(resolve(path), join(folder, path));
  }
  return folder;
}

it(
  'works in a folder of its own: version, help, check, ports, schema',
  async () => {
    const folder = unpacked();
    const run = (...args: string[]) =>
      runCli(args, { program: join(folder, PROGRAM), cwd: folder });
    expect(await run('--version')).toEqual({
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
    expect((await run('sim', '--help')).stdout).toContain('--pty');
    const checked = await run('check', 'gateway.example.yaml');
    expect(checked.stdout).toContain('gateway.example.yaml: good');
    expect(checked.status).toBe(0);
    // Needs the native parts.
    expect(await run('ports', '--json')).toMatchObject({ status: 0 });
    const schema = await run('schema');
    expect(schema.stdout).toBe(readFileSync(join(folder, 'dist', 'gateway.schema.json'), 'utf8'));
  },
  60_000 * SLOWNESS,
);
