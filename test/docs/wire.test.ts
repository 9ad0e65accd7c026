/** The worked packets of docs/wire.md are those of test/vectors, and its C code makes and reads them. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { encodePacket } from '../../firmware-sim/packet.js';
import { tempDir } from '../support/temp-dir.js';
import { read } from './documents.js';

const { vectors } = JSON.parse(readFileSync('test/vectors/vectors.json', 'utf8')) as {
  vectors: { name: string; kind: string; hex: string; frame_hex?: string }[];
};
const packets = vectors.filter(({ kind }) => kind === 'serial-packet');

const page = read('docs/wire.md');
const blocks = [...page.matchAll(/^```\n([^`]*)^```$/gm)].map(([, text = '']) => text);
const hexOf = (text: string): string => text.replaceAll(/\s/g, '');

describe('docs/wire.md', () => {
  it('shows the packets that it names', () => {
    const all = blocks.map(hexOf).join(' ');
    const named = [...page.matchAll(/`(g[12]-[a-z0-9-]+)`/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) {
      const packet = packets.find((one) => one.name === name);
      expect([name, all]).toEqual([name, expect.stringContaining(packet?.hex ?? 'no such packet')]);
    }
  });

  it('shows only bytes of a worked packet or of a hello', () => {
    const hellos = [new Uint8Array(), new Uint8Array(4)].map((payload) =>
      Buffer.from(encodePacket({ sequence: 1, subject: '', payload })).toString('hex'),
    );
    const known = [...packets.flatMap(({ hex, frame_hex = '' }) => [frame_hex, hex]), ...hellos]
      .filter((hex) => hex !== '')
      .sort((a, b) => b.length - a.length);
    for (const block of blocks) {
      // Of the packet that is explained byte by byte, what stands before the words.
      const bytes = block.replaceAll(/ {2,}[a-zA-Z].*$|(?<=^[0-9a-f ]+) (?:type|key) .*$/gm, '');
      let rest = hexOf(bytes);
      for (const hex of known) rest = rest.replaceAll(hex, '');
      expect(rest).toBe('');
    }
  });

  const compiler = spawnSync('cc', ['--version']).status === 0;

  it.skipIf(!compiler)('has C code that makes these frames, and reads them (needs cc)', () => {
    const folder = tempDir();
    const [, code = ''] = /```c\n([^`]*)```/.exec(page) ?? [];
    const program = `${code}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
  static uint8_t in[4096], frame[5000], out[5000];
  for (int a = 1; a < argc; a++) {
    size_t n = strlen(argv[a]) / 2;
    for (size_t i = 0; i < n; i++) {
      char pair[3] = {argv[a][2 * i], argv[a][2 * i + 1], 0};
      in[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    size_t length = cobs_frame(in, n, frame);
    int back = cobs_decode(frame + 1, length - 2, out);
    for (size_t i = 0; i < length; i++) printf("%02x", frame[i]);
    printf(" %04x %d\\n", crc16(in, n), back == (int)n && memcmp(in, out, n) == 0);
  }
  uint8_t broken[] = {5, 1, 2};
  return cobs_decode(broken, 3, out) == -1 ? 0 : 1;
}
`;
    writeFileSync(join(folder, 'wire.c'), program);
    const run = (command: string, args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(command, args, {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      return stdout;
    };
    run('cc', ['-std=c99', '-Wall', '-Wextra', '-Werror', '-o', 'wire', 'wire.c']);
    const runs = [253, 254, 255, 508, 509].map((length) => Buffer.alloc(length, 5));
    const raw = [
      ...packets.map(({ hex }) => Buffer.from(hex, 'hex')),
      ...runs.flatMap((bytes) => [bytes, Buffer.concat([bytes, Buffer.of(0, 9)])]),
      Buffer.from('123456789'),
    ];
    const said = run(
      join(folder, 'wire'),
      raw.map((bytes) => bytes.toString('hex')),
    ).trimEnd();
    const lines = said.split('\n').map((line) => line.split(' '));
    for (const [index, [frame, , back]] of lines.entries()) {
      const expected = Buffer.from(encodeFrame(raw[index]!)).toString('hex');
      expect([index, frame, back]).toEqual([index, expected, '1']);
    }
    expect(lines.at(-1)?.[1]).toBe('2189');
  });
});
