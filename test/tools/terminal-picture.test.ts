import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { TableView } from '../../src/cli/demo-view.js';

const { screensOf, pictureOf } = (await import(resolve('tools', 'terminal-picture.mjs'))) as {
  screensOf(output: string): string[][];
  pictureOf(lines: readonly string[], words: { title: string; description: string }): string;
};

it('finds every screen of the demo, as a terminal shows it', () => {
  let output = '';
  // A terminal begins each line at its left: the kernel sends \r before each \n.
  const write = (text: string): void => void (output += text.replaceAll('\n', '\r\n'));
  const view = new TableView(
    write,
    () => 0,
    () => 80,
    'title',
  );
  const flow = { direction: 'up', link: 'pump', type: 'flow', key: '0', time: '0' } as const;
  view.crossed({ ...flow, value: 100.25 });
  view.note('a long note');
  view.crossed({ ...flow, value: 7 });
  view.note('short');
  const screens = screensOf(output);
  expect(screens.map((screen) => screen.length)).toEqual([7, 8]);
  expect(screens.at(-1)).toEqual([
    'title',
    '',
    expect.stringMatching(/^ {3}point +value +age +rate$/),
    expect.stringMatching(/^ ▲ flow +7 +0\.0 s +0\.4\/s$/),
    '',
    'a long note',
    'short',
    '',
  ]);
});

it('draws each line where it stands, and marks of XML as text', () => {
  const picture = pictureOf(['a < b & c', '', ' ▲ flow'], { title: 't', description: 'd' });
  expect(picture).toContain('>a &lt; b &amp; c</text>');
  const lines = [...picture.matchAll(/ y="(\d+)"[^>]*xml:space/g)].map(([, y]) => Number(y));
  expect(lines).toHaveLength(2);
  expect(lines[1]! - lines[0]!).toBe(2 * 19);
});
