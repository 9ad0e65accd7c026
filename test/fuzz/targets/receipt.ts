import { readReceipt } from '../../../src/siot/publishing/receipt.js';
import { agree, must, type FuzzTarget } from '../target.js';

/** Texts that real servers answered with (docs/siot.md, 4.10). */
const TEXTS = [
  '',
  'node dev-4: point type "a.b" contains ".", which is not allowed in a point type',
  'node dev-4: point key "a b" contains " ", which is not allowed in a point key',
  'error decoding node points subject',
  'Error decoding points proto: cannot parse invalid wire-format data',
  'no response from stream',
  'database is locked\n',
];

/** What a store answers to a publish. */
export const receiptTarget: FuzzTarget = {
  name: 'receipt',
  files: ['src/siot/publishing/receipt.ts'],
  // A message of NATS may have 1 MiB.
  maxLength: 60_000,
  words: [
    ' contains ',
    'not allowed in a point',
    'decode error',
    ' '.repeat(2_000),
    'contains '.repeat(6_000),
  ],
  corpus: () => TEXTS.map((text) => Uint8Array.from(Buffer.from(text))),
  check: (input) => {
    const receipt = readReceipt(input);
    agree('delivered', receipt.kind === 'delivered', input.length === 0);
    if (receipt.kind === 'delivered') return;
    const text = Buffer.from(input).toString('utf8').toLowerCase();
    const forbidden = text.includes('contains ') && text.includes('not allowed in a point ');
    must(receipt.kind !== 'forbidden' || forbidden, 'a point is given up for no reason');
    must(receipt.text === receipt.text.trim(), 'a text that is not trimmed');
  },
};
