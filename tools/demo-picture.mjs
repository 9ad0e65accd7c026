// docs/demo.svg, the picture in README.md: what `npm run demo` shows on a terminal after half
// a minute. Made anew by `npm run demo:picture`.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from '@lydell/node-pty';
import { pictureOf, screensOf } from './terminal-picture.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SECONDS = '31';
const COLUMNS = 92;

const demo = spawn(
  process.execPath,
  [join(ROOT, 'dist', 'src', 'cli', 'demo.js'), '--seconds', SECONDS],
  { cols: COLUMNS, rows: 40, cwd: ROOT, env: process.env },
);
let output = '';
demo.onData((text) => {
  output += text;
});
process.stderr.write(`demo:picture: the demo runs for ${SECONDS} s\n`);
const status = await new Promise((resolve) => {
  demo.onExit(({ exitCode }) => resolve(exitCode));
});

// The last one on which a setting has come through, all the way.
const lines = screensOf(output).findLast((screen) =>
  screen.findLast((line) => line !== '')?.includes('acknowledged'),
);
if (status !== 0 || lines === undefined) {
  process.stderr.write(`demo:picture: the demo ended with ${status}:\n${output}\n`);
  process.exitCode = 1;
} else {
  while (lines.at(-1) === '') lines.pop();
  const target = join(ROOT, 'docs', 'demo.svg');
  writeFileSync(
    target,
    pictureOf(lines, {
      title: 'npm run demo',
      description:
        'The demo: a table of points that go up from a simulated pump controller, and settings that go down and are acknowledged',
    }),
  );
  process.stderr.write(`demo:picture: ${target}\n`);
}
