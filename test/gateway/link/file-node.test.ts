import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contentOfFileNode } from '../../../src/gateway/link/file-node.js';
import { floatValue, makePoint, stringValue, type Point } from '../../../src/point/point.js';

const text = (type: string, value: string, given: Partial<Point> = {}): Point =>
  makePoint({ type, key: '0', value: stringValue(value), time: 1n, ...given });
const BINARY = makePoint({ type: 'binary', key: '0', value: floatValue(1), time: 1n });
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

const BYTES = Buffer.from([0, 1, 2, 0xff, 0xfe]);
const FILE = [text('name', 'fw.bin'), text('data', BYTES.toString('base64')), BINARY];

const contentOf = (...points: readonly Point[]): string => {
  const content = contentOfFileNode([[text('name', 'other')], points], 'fw.bin');
  return 'bytes' in content ? Buffer.from(content.bytes).toString('hex') : content.problem;
};

describe('the content of a file node', () => {
  it('is its text, or what the text holds in base64', () => {
    expect(contentOf(...FILE)).toBe('000102fffe');
    const broken = BYTES.toString('base64').replace(/^(..)/, '$1\r\n');
    expect(contentOf(text('name', 'fw.bin'), text('data', broken), BINARY)).toBe('000102fffe');
    expect(contentOf(text('name', 'fw.bin'), text('data', 'hé'))).toBe('68c3a9');
    expect(contentOf(text('name', 'fw.bin'))).toBe('');
  });

  it('is checked by its hash, where it has one', () => {
    expect(contentOf(...FILE, text('hash', md5(BYTES)))).toBe('000102fffe');
    expect(contentOf(...FILE, text('hash', md5(BYTES).toUpperCase()))).toBe('000102fffe');
    expect(contentOf(...FILE, text('hash', md5(Buffer.of(1))))).toContain(
      'does not match its hash',
    );
    // Somebody has removed the point.
    expect(contentOf(...FILE, text('hash', 'x', { tombstone: 1 }))).toBe('000102fffe');
  });

  it.each(['AAE', 'A=AA', 'A*AA', '====='])('is none where %j should be base64', (data) => {
    expect(contentOf(text('name', 'fw.bin'), text('data', data), BINARY)).toContain('no base64');
  });

  it('is none where no file, or more than one, has the name', () => {
    expect(contentOfFileNode([], 'fw.bin')).toEqual({
      problem: 'no file node named "fw.bin" is below this node',
      again: true,
    });
    expect(contentOfFileNode([FILE, FILE], 'fw.bin')).toMatchObject({ again: false });
  });
});
