import { probe } from '../../../src/siot/search/probe.js';
import type { Answer } from '../../../src/siot/connection/connection.js';
import { isCompact } from '../../../src/packet/compact.js';
import { DIALECTS } from '../../siot-store/dialect.js';
import { encodeNodes } from '../../siot-store/codec-protobuf.js';
import { agree, must, type FuzzTarget } from '../target.js';

const SILENCES = ['lost', 'timeout', 'noResponders'] as const;

/** First a length and the answer to one request, then the answer to the other. */
const joined = (uri: Uint8Array, root: Uint8Array): Uint8Array =>
  Uint8Array.from([uri.length & 0xff, ...uri, ...root]);

const tell = (version: '0.18.5' | '0.25.0'): Uint8Array => {
  const { encode, text } = DIALECTS[version];
  const point = { type: 'uri', key: '', time: 0n, tombstone: 0, origin: '' };
  return encode([{ ...point, content: text('nats://127.0.0.1:4222') }]);
};

/** What answers to the search for a store. */
export const probeTarget: FuzzTarget = {
  name: 'probe',
  files: ['src/siot/search/probe.ts'],
  maxLength: 600,
  words: [Uint8Array.of(2, 0, 0, 0), Uint8Array.of(0x0a)],
  corpus: () => {
    const node = {
      id: 'root',
      type: 'device',
      parent: 'root',
      points: [],
      edgePoints: [],
      hash: 7,
    };
    const root = encodeNodes([node]) ?? new Uint8Array(0);
    return [
      joined(tell('0.18.5'), root),
      joined(tell('0.25.0'), root),
      joined(new Uint8Array(0), root),
      Uint8Array.of(0),
    ];
  },
  check: async (input) => {
    const length = Math.min(input[0] ?? 0, input.length - 1);
    const uri = input.subarray(1, 1 + length);
    const root = input.subarray(1 + length);
    const asked: string[] = [];
    // An empty one stands for each kind of silence, in turn.
    const answer = (bytes: Uint8Array): Answer =>
      bytes.length > 0 ? bytes : (SILENCES[input.length % SILENCES.length] ?? 'lost');
    const connection = {
      request: (subject: string) => {
        asked.push(subject);
        return Promise.resolve(answer(subject === 'auth.getNatsURI' ? uri : root));
      },
    };
    const generation = await probe(connection);
    must([undefined, 1, 2].includes(generation), 'no generation at all');
    if (uri.length >= 4 && isCompact(uri)) agree('generation of a compact answer', generation, 2);
    if (uri.length === 0 && root.length === 0)
      agree('generation of silence', generation, undefined);
    must(asked.length <= 2, 'more than two questions');
  },
};
