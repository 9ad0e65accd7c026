import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DatabaseError, type Database } from '../../src/signals/database.js';
import { readDatabase } from '../../src/signals/formats.js';
import { checkRandomFrames } from './inverse.js';

/** Databases of other people, not part of the project. */
const CORPUS = '../shared/corpus/can';
const SEED = 20_240_501;

/** What nobody could trust, and why: the first problem that is said. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'bad_message_length.dbc':
    /^40:6: Message1\.Signal1 reaches into byte 1, but Message1 has only byte 0/,
  'bad_message_length.kcd':
    /^11:7: Message1\.Signal1 reaches into byte 1, but Message1 has only byte 0/,
  'message_layout.kcd':
    /^25:7: Message3\.Signal1 reaches into byte 1, but Message3 has only byte 0/,
  'issue_199.dbc': /^45:5: DriverDoorStatus has the id 0x10630000, which needs more than 11 bits/,
  'issue_199_extended.dbc':
    /^45:5: DriverDoorStatus has the id 0x7FFFFFFF \(extended\), .* 29 bits/,
};

const files = (folder: string): string[] =>
  existsSync(CORPUS) ? readdirSync(join(CORPUS, folder)).sort() : ['none'];

function load(folder: string, file: string): Database | string {
  try {
    return readDatabase(readFileSync(join(CORPUS, folder, file)));
  } catch (error) {
    if (error instanceof DatabaseError) return error.message;
    throw error;
  }
}

const isAway = !existsSync(CORPUS);
const WHY = `${CORPUS} is not there: it is only where the project is worked on`;

describe('databases of other people', () => {
  it('are there', (context) => {
    context.skip(isAway, WHY);
    expect([files('dbc').length, files('kcd').length]).toEqual([83, 9]);
  });

  describe.each(['dbc', 'kcd'])('%s', (folder) => {
    it.for(files(folder).map((file) => ({ file })))(
      '$file loads and its frames survive, or it is refused',
      ({ file }, context) => {
        context.skip(isAway, WHY);
        const database = load(folder, file);
        const refused = REFUSED[file];
        if (refused !== undefined) {
          expect(database).toMatch(refused);
          return;
        }
        if (typeof database === 'string') throw new Error(database);
        const frames = checkRandomFrames(database, 10, SEED);
        expect(frames).toBe(10 * database.messages.length);
      },
    );
  });
});
