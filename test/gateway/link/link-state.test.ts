import { expect, it } from 'vitest';
import { stateOf, type LinkFacts } from '../../../src/gateway/link/link-state.js';

const talking: LinkFacts = {
  isDisabled: false,
  isOpen: true,
  portProblem: undefined,
  isDeleted: false,
  held: undefined,
  isConnected: true,
  wasHeard: true,
  unit: 'packet',
  heard: undefined,
};

it.each<[string, Partial<LinkFacts>, object]>([
  ['talks', {}, { state: 'talks' }],
  [
    'talks, and loses points',
    { heard: 'the sequence stands still' },
    { state: 'talks', reason: 'the sequence stands still' },
  ],
  [
    'was heard before',
    { isConnected: false },
    { state: 'silent', reason: 'no packet is heard any more' },
  ],
  [
    'was never heard',
    { isConnected: false, wasHeard: false },
    { state: 'silent', reason: 'no packet was heard since the gateway was started' },
  ],
  [
    'sends something else',
    { isConnected: false, wasHeard: false, heard: 'lines of text' },
    { state: 'silent', reason: 'lines of text' },
  ],
  ['is being opened', { isOpen: false }, { state: 'closed', reason: 'its port is being opened' }],
  [
    'has no port, and was deleted as well',
    { isOpen: false, portProblem: 'no such port', isDeleted: true },
    { state: 'closed', reason: 'no such port' },
  ],
  ['was deleted', { isDeleted: true }, { state: 'deleted', reason: 'its node is deleted in SIOT' }],
  [
    'may be another board',
    { held: 'another board', isConnected: false },
    { state: 'held', reason: 'settings are held back: another board' },
  ],
  [
    'is disabled, whatever else',
    { isDisabled: true, isOpen: false, portProblem: 'no such port' },
    { state: 'disabled', reason: 'it is disabled in SIOT' },
  ],
])('a link that %s', (_what, facts, state) => {
  expect(stateOf({ ...talking, ...facts })).toEqual(state);
});
