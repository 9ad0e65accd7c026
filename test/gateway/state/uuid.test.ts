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

it('makes the same of any name and namespace as the code before the library', () => {
  expect(uuidV5('11111111-1111-1111-1111-111111111111', 'pump')).toBe(
    'c0028075-1966-54b8-bf57-69f884c999f5',
  );
  expect(uuidV5(DNS, 'half a character: \ud800')).toBe('9aa88da3-991e-5ae2-b440-212a329dcae5');
});
