import { describe, expect, it } from 'vitest';
import {
  FILE_END,
  fileBlockPayload,
  parseFileBlock,
  whyNotFileName,
} from '../../src/packet/file-block.js';
import { buildPacket } from '../../src/packet/packet.js';
import { loadVectors, toHex } from '../firmware-sim/vectors.js';

const vector = (name: string): string =>
  loadVectors().find((one) => one.name === name)?.hex ?? 'no such vector';

describe('a block of a file', () => {
  it.each([
    ['g1-file-block', 5, { name: 'fw.bin', index: 0, data: Buffer.from('hello world') }],
    ['g1-file-end', 6, { name: 'fw.bin', index: FILE_END, data: new Uint8Array(0) }],
  ])('is written and read as in %s', (name, sequence, block) => {
    const payload = fileBlockPayload(block);
    expect(toHex(buildPacket(sequence, 'file', payload))).toBe(vector(name));
    const read = parseFileBlock(Uint8Array.from(payload));
    expect({ ...read, data: toHex(read!.data) }).toEqual({ ...block, data: toHex(block.data) });
  });

  it('has a name of up to 16 bytes, and is nothing when it is cut', () => {
    const payload = fileBlockPayload({ name: 'firmware-v1.2.3a', index: 7, data: Buffer.of(1) });
    expect(parseFileBlock(payload)).toMatchObject({ name: 'firmware-v1.2.3a', index: 7 });
    expect(parseFileBlock(payload.subarray(0, 19))).toBeUndefined();
    expect(parseFileBlock(payload.subarray(0, 20))?.data).toHaveLength(0);
  });
});

describe('the name of a file', () => {
  it.each(['fw.bin', 'a', '..a', 'a..b', 'firmware-v1.2.3a', 'größe.bin', '.hidden'])(
    'may be %j',
    (name) => expect(whyNotFileName(name)).toBeUndefined(),
  );

  it.each([
    ['', 'a file needs a name'],
    ['.', 'the name of a folder'],
    ['..', 'the name of a folder'],
    ['../fw.bin', 'a slash or a control character'],
    ['a\\b', 'a slash or a control character'],
    ['a\0b', 'a slash or a control character'],
    ['a\nb', 'a slash or a control character'],
    ['a\u007fb', 'a slash or a control character'],
    ['a\u009b2Jb', 'a slash or a control character'],
    ['firmware-v1.2.3ab', 'has 17 bytes'],
    ['ääääääääß', 'has 18 bytes'],
    ['\ud800', 'is no UTF-8'],
  ])('may not be %j', (name, why) => {
    expect(whyNotFileName(name)).toContain(why);
    expect(whyNotFileName(name)).toContain('give a name of 1 to 16 bytes');
    expect(whyNotFileName(name)).not.toMatch(/\p{Cc}/u);
  });
});
