import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Screen, type Terminal } from '../../src/cli/screen.js';

const { screensOf, pictureOf } = (await import(resolve('tools', 'terminal-picture.mjs'))) as {
  screensOf(output: string): string[][];
  pictureOf(lines: readonly string[], words: { title: string; description: string }): string;
};

it('finds every screen of the demo, as a terminal shows it', () => {
  let output = '';
  const terminal = {
    rows: 24,
    columns: 80,
    // A terminal begins each line at its left: the kernel sends \r before each \n.
    write: (text: string) => (output += text.replaceAll('\n', '\r\n')) !== '',
    on: () => terminal,
    off: () => terminal,
  } as unknown as Terminal;
  const frames = [
    ['title', '', ' ▲ flow  100.25', 'a long note'],
    ['title', ' ▲ flow  7', 'short'],
    ['title', ' ▲ flow  8', '', 'one more line'],
  ];
  let at = 0;
  const screen = new Screen(terminal, () => frames[at] ?? []);
  screen.start();
  for (at = 1; at < frames.length; at += 1) screen.draw();
  at = 0;
  screen.stop();
  expect(screensOf(output).filter((lines) => lines.some((line) => line !== ''))).toEqual(
    frames.map((lines) => [...lines, '']),
  );
});

it('draws each line where it stands, and marks of XML as text', () => {
  const picture = pictureOf(['a < b & c', '', ' ▲ flow'], { title: 't', description: 'd' });
  expect(picture).toContain('>a &lt; b &amp; c</text>');
  const lines = [...picture.matchAll(/ y="(\d+)"[^>]*xml:space/g)].map(([, y]) => Number(y));
  expect(lines).toHaveLength(2);
  expect(lines[1]! - lines[0]!).toBe(2 * 19);
});
