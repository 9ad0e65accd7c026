/** `npm test -- …`: which tests are asked for, and what of the set-up they need. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../support/temp-dir.js';

interface Needs {
  readonly build: boolean;
  readonly natsServer: boolean;
}

const { filtersOf, needsOf } = (await import(resolve('tools/test-selection.mjs'))) as {
  filtersOf(args: readonly string[]): string[];
  /** Undefined: everything. */
  needsOf(args: readonly string[], root?: string): Needs | undefined;
};

const ALL = { build: true, natsServer: true };
const NATS = { build: false, natsServer: true };
const NONE = { build: false, natsServer: false };

it.each<[string[], string[]]>([
  [
    ['test/a.test.ts', 'b'],
    ['test/a.test.ts', 'b'],
  ],
  [['-t', 'a name', 'b'], ['b']],
  [['--testNamePattern=x', '--reporter', 'verbose'], []],
])('of the arguments %j the filters are %j', (args, filters) => {
  expect(filtersOf(args)).toEqual(filters);
});

it.each<[string[], Needs | undefined]>([
  [[], undefined],
  [['--reporter=verbose'], undefined],
  [['--shard', '1/2'], undefined],
  [['test/point/point.test.ts'], NONE],
  [[resolve('test/point/point.test.ts')], NONE],
  [['./test/point', 'test/packet/'], NONE],
  [['test/point/point.test.ts:12'], NONE],
  [['point.test', '-t', 'a name'], NONE],
  [['test/siot/with-store.test.ts'], NATS],
  [['test/gateway/embedded-nats.test.ts'], NATS],
  [['test/cli/can.test.ts'], ALL],
  [['test/cli/package.test.ts'], ALL],
  [['test/bench/bench.test.ts'], ALL],
  [['test/point', 'test/cli/can.test.ts'], ALL],
  // What this cannot tell is taken to need everything.
  [['-t', 'a name'], ALL],
  [['test/no-such'], ALL],
])('%j needs %j', (args, needs) => {
  expect(needsOf(args)).toEqual(needs);
});

it('sees what a test needs by way of what it imports', () => {
  const root = tempDir();
  const files = {
    'test/a/one.test.ts': "import { b } from '../support/b.js';",
    'test/support/b.ts': "import type { C } from './c.js';\nexport { d } from './d.js';",
    'test/support/c.ts': "import { b } from './b.js';",
    'test/support/d.ts': "spawn(process.execPath, ['dist/src/cli/main.js']);",
    'test/a/two.test.ts': "import { c } from '../distant.js';",
    'test/distant.ts': '',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  expect(needsOf(['one'], root)).toEqual(ALL);
  expect(needsOf(['two'], root)).toEqual(NONE);
});
