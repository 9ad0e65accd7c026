import { createRequire } from 'node:module';
import { decodeCobs, encodeFrame } from '../../../firmware-sim/cobs.js';
import { FRAMINGS } from '../../../src/framing/framings.js';
import { frames, pushInPieces } from '../inputs.js';
import { agree, must, type FuzzTarget } from '../target.js';

interface CobsPackage {
  encode(buffer: Buffer): Buffer;
  decode(buffer: Buffer): Buffer;
}
const library = createRequire(import.meta.url)('cobs') as CobsPackage;
const { cobs } = FRAMINGS;

/** Small, so that frames that are too long are common. */
const MAX_FRAME = 300;

type Event = readonly ['frame', string] | readonly [cause: string, length: number];

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function read(stream: Uint8Array, lengths: readonly number[]): Event[] {
  const events: Event[] = [];
  const deframer = cobs.createDeframer(
    {
      frame: (bytes) => void events.push(['frame', hexOf(bytes)]),
      discard: (cause, length) => void events.push([cause, length]),
    },
    MAX_FRAME,
  );
  pushInPieces(deframer, stream, lengths);
  return events;
}

/** By cutting at zeros and the simulated device's own decoder. */
function reference(stream: Uint8Array): Event[] {
  const events: Event[] = [];
  let from = 0;
  for (let at = 0; at < stream.length; at += 1) {
    if (stream[at] !== 0) continue;
    const encoded = stream.subarray(from, at);
    // The zero before it counts once, unless it closed the frame before.
    const before = from >= 2 && stream[from - 1] === 0 && stream[from - 2] === 0 ? 1 : 0;
    const opened = from === 1 ? 1 : before;
    from = at + 1;
    if (encoded.length === 0) continue;
    const length = opened + encoded.length + 1;
    const decoded = decodeCobs(encoded);
    if (length > MAX_FRAME) events.push(['oversize', length]);
    else if (decoded === undefined) events.push(['malformed', length]);
    else events.push(['frame', hexOf(decoded)]);
  }
  return events;
}

/** Bytes of a serial line to frames, and a frame to bytes. */
export const cobsTarget: FuzzTarget = {
  name: 'cobs',
  files: ['src/framing/cobs.ts'],
  maxLength: 1_200,
  words: [Uint8Array.of(0, 0), Uint8Array.of(0xff), new Uint8Array(254).fill(7)],
  corpus: () => [...frames(), Uint8Array.from(Buffer.concat(frames()))],
  check: (input) => {
    const whole = read(input, [input.length + 1]);
    agree('whole, and by the simulated device', whole, reference(input));
    agree('whole, and byte by byte', whole, read(input, [1]));
    agree('whole, and in pieces', whole, read(input, [3, 1, 64, 7, 256]));

    const written = cobs.encode(input);
    agree('written, and by the simulated device', hexOf(written), hexOf(encodeFrame(input)));
    must(!written.subarray(1, -1).includes(0), 'a zero inside a frame');
    agree(
      'written, and read by the library',
      hexOf(library.decode(Buffer.from(written.subarray(1, -1)))),
      hexOf(input),
    );
    if (written.length <= MAX_FRAME) {
      agree('written and read', read(written, [5]), [['frame', hexOf(input)]]);
    }
  },
};
