/** Each command loads what it needs: code takes time to load and memory until the program ends. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';

const moduleOf = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;

/** For Node: writes the address of each module that is loaded into a file, a line each. */
function recordingTo(file: string): string {
  const hooks = moduleOf(
    `import { appendFileSync } from 'node:fs';
     export function load(url, context, next) {
       appendFileSync(${JSON.stringify(file)}, url + '\\n');
       return next(url, context);
     }`,
  );
  return moduleOf(`import { register } from 'node:module'; register(${JSON.stringify(hooks)});`);
}

interface Loaded {
  /** Paths in the checkout of the sources whose code is in the files that were loaded. */
  readonly sources: readonly string[];
  /** Of npm. */
  readonly packages: readonly string[];
}

/** What the built program loads for these arguments. */
async function loadedBy(...args: string[]): Promise<Loaded> {
  const file = join(tempDir(), 'loaded');
  const env = { NODE_OPTIONS: `--import=${recordingTo(file)}` };
  const { status, stderr } = await runCli(args, { env });
  expect([status, stderr]).not.toEqual([null, '']);
  const urls = readFileSync(file, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith('file:'));
  const sources = urls.flatMap((url) => sourcesOf(fileURLToPath(url)));
  expect(sources).toContain('src/cli/main.ts');
  // V8 would keep their texts with two bytes a character.
  const files = urls.map((url) => fileURLToPath(url));
  expect(files.filter((path) => /[^\0-\x7f]/.test(readFileSync(path, 'latin1')))).toEqual([]);
  const packages = sources.map((path) => /node_modules\/((@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return {
    sources: sources.filter((path) => !path.startsWith('node_modules/')),
    packages: [...new Set(packages.filter((name) => name !== undefined))].sort(),
  };
}

/** Of a file of the program: what it was made from, by its source map. */
function sourcesOf(file: string): string[] {
  const map = `${file}.map`;
  if (!existsSync(map)) return [relative('.', file)];
  const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: string[] };
  return sources.map((source) => relative('.', resolve(dirname(map), source)));
}

const inRooms = (sources: readonly string[], ...rooms: string[]): string[] =>
  sources.filter((path) => rooms.some((room) => path.startsWith(`${room}/`)));

it.each(['--help', '--version', 'help run', 'sim --help', 'no-such-command'])(
  '%s loads the definitions of the commands alone',
  async (words) => {
    const { sources, packages } = await loadedBy(...words.split(' '));
    expect(packages).toEqual(['commander']);
    expect(sources).toContain('src/cli/commands/run.ts');
    expect(inRooms(sources, 'src/cli/actions', 'src/siot', 'src/session', 'src/outbox')).toEqual(
      [],
    );
    expect(sources.length).toBeLessThan(40);
  },
);

it('run loads nothing of what other commands show, nor the simulated MCU', async () => {
  const { sources, packages } = await loadedBy('run', '-c', join(tempDir(), 'none.yaml'));
  expect(inRooms(sources, 'src/cli/actions')).toEqual(['src/cli/actions/run.ts']);
  expect(inRooms(sources, 'src/cli/raw')).toEqual([]);
  expect(sources).not.toContain('firmware-sim/program.ts');
  expect(sources.filter((path) => /^src\/cli\/(watch|status|gateway)-/.test(path))).toEqual([]);
  expect(packages).toContain('@nats-io/nats-core');
  // Loaded where the first serial port or the first CAN interface is opened.
  expect(packages).not.toContain('@serialport/bindings-cpp');
  expect(packages).not.toContain('koffi');
});

it('can and ports load neither NATS nor the daemon', async () => {
  for (const args of [['can', 'decode', join(tempDir(), 'none.dbc')], ['ports']]) {
    const { sources, packages } = await loadedBy(...args);
    expect(packages.filter((name) => name.startsWith('@nats-io/'))).toEqual([]);
    expect(inRooms(sources, 'src/gateway/link', 'src/outbox', 'src/siot/connection')).toEqual([]);
  }
});
