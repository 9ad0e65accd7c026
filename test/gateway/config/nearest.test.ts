import { expect, it } from 'vitest';
import { nearest } from '../../../src/gateway/config/nearest.js';

it.each([
  ['baudrate', 'baudRate'],
  ['buadRate', 'baudRate'],
  ['bitRate', 'baudRate'],
  ['path', 'path'],
  ['pth', 'path'],
  ['baud', 'baudRate'],
  ['pathName', 'path'],
  ['colour', undefined],
  ['', undefined],
])('takes %j for %s', (word, near) => {
  expect(nearest(word, ['type', 'path', 'baudRate'])).toBe(near);
});
