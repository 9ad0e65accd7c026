import { expect, it } from 'vitest';
import { isUuid, uuidV5 } from '../../../src/gateway/state/uuid.js';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

it('makes the UUIDs of RFC 9562, A.4', () => {
  expect(uuidV5(DNS, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

it('makes another one for each name and each namespace', () => {
  const made = uuidV5(DNS, 'pump');
  expect(isUuid(made)).toBe(true);
  expect(uuidV5(DNS, 'pump')).toBe(made);
  expect(uuidV5(DNS, 'Pump')).not.toBe(made);
  expect(uuidV5(made, 'pump')).not.toBe(made);
});

it('refuses a namespace that is no UUID', () => {
  expect(() => uuidV5('pump', 'x')).toThrow(TypeError);
});
