import { describe, expect, it } from 'vitest';
import { readText } from '../../src/packet/text.js';

describe('texts read from a buffer that is used again and again', () => {
  it('are each its own, however many of one length there have been', () => {
    const reused = Buffer.alloc(64);
    const wrong: string[] = [];
    for (let n = 10_000; n < 30_000; n++) {
      const text = `line ${n}`;
      reused.write(text, 17);
      if (readText(reused, 17, text.length) !== text) wrong.push(text);
    }
    expect(wrong).toEqual([]);
  });
});
