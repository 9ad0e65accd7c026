import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { DatabaseError, type Database } from '../../../src/signals/database.js';
import { readDatabase } from '../../../src/signals/formats.js';
import { MessageCodec } from '../../../src/signals/message-codec.js';
import { decode, naiveDecode, randomFrame } from '../../signals/support.js';
import { agree, must, type FuzzTarget } from '../target.js';

// Found from the sources and from dist/ alike.
const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'));
const FILES = ['test/signals/features.dbc', 'test/signals/features.kcd', 'gateway.example.dbc'];
/** Frames of each message; more messages are looked at than people mistype. */
const MOST_MESSAGES = 20;

/** CAN databases: DBC and KCD. */
export const canDatabaseTarget: FuzzTarget = {
  name: 'can-database',
  files: [
    'src/signals/check.ts',
    'src/signals/dbc.ts',
    'src/signals/dbc-attributes.ts',
    'src/signals/dbc-draft.ts',
    'src/signals/dbc-scanner.ts',
    'src/signals/decimal.ts',
    'src/signals/formats.ts',
    'src/signals/kcd.ts',
    'src/signals/message-codec.ts',
    'src/signals/signal-codec.ts',
    'src/signals/text.ts',
  ],
  maxLength: 8_000,
  firstLook: 100,
  words: [
    'BO_ ',
    '\nBO_ 1 M: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X\n',
    ' SG_ ',
    ' m0M : ',
    'SG_MUL_VAL_ ',
    'SIG_VALTYPE_ ',
    'VAL_ ',
    '|64@0- ',
    '(0,1)',
    '"',
    '\\"',
    ';',
    '//',
    '4294967295',
    '1e400',
    '-',
    '<Multiplex ',
    '<MuxGroup count="0">',
    '<Signal name="S" offset="0" length="8"/>',
    ' endianess="big"',
    '</',
    '<!--',
    '&amp;',
  ],
  corpus: () => FILES.map((name) => Uint8Array.from(readFileSync(join(ROOT, name)))),
  check: (input) => {
    const lines = Buffer.from(input).toString('latin1').split('\n').length;
    let database: Database;
    try {
      database = readDatabase(input);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      must(error.problems.length > 0, 'refused for no reason');
      for (const { line, column } of error.problems) {
        must(line >= 1 && line <= lines && column >= 1, `no such place: ${line}:${column}`);
      }
      return;
    }
    const random = new SeededRandom(1);
    for (const message of database.messages.slice(0, MOST_MESSAGES)) {
      const codec = new MessageCodec(message);
      const data = randomFrame(random, codec);
      const codes = decode(codec, data);
      agree('codes, and by a naive reader', [...codes], [...naiveDecode(message, data)]);
      agree('codes, written and read', [...decode(codec, codec.encode(codes))], [...codes]);
    }
  },
};
