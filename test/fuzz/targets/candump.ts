import { cansendText, parseCandumpLine } from '../../../src/signals/candump.js';
import { FD_LENGTHS } from '../../../src/transport/frame.js';
import { agree, must, type FuzzTarget } from '../target.js';

const LINES = [
  '(1436509052.249713) vcan0 044#2A366C2BBA',
  '(1436509052.249713) vcan0 1FFFFFFF##1112233445566778899AABBCC R',
  '(0000000012.345678) can0 044#R8',
  '(1.5) can0 20000004#0004000000000000',
  "  (1436509052.249713)  vcan0  RX - -  044   [2]  41 42   'AB'",
  '  can0  12345678  [12]  01 02 03 04 05 06 07 08 09 0A 0B 0C',
  '  \u001b[1m\u001b[31mcan0\u001b[0m  044   [3]  33`22`11',
];

/** Lines of candump's logs. */
export const candumpTarget: FuzzTarget = {
  name: 'candump',
  files: ['src/signals/candump.ts'],
  maxLength: 200,
  words: [
    '(',
    ')',
    '#',
    '##',
    '#R',
    '_F',
    '[8]',
    'remote request',
    ' T',
    '.',
    '00',
    '`',
    '\u001b[1m',
  ],
  corpus: () => LINES.map((line) => Uint8Array.from(Buffer.from(line))),
  check: (input) => {
    const logged = parseCandumpLine(Buffer.from(input).toString('latin1'));
    if (logged === undefined) return;
    const { time, frame } = logged;
    if (time !== undefined) must(Number.isFinite(JSON.parse(time)), `no number of JSON: ${time}`);
    must(
      frame.id <= (frame.extended || frame.error ? 0x1fffffff : 0x7ff),
      'an id of too many bits',
    );
    if (frame.fd)
      must(FD_LENGTHS.includes(frame.data.length) || frame.data.length < 64, 'no length of FD');
    else must(frame.data.length <= 8, 'more than 8 bytes');
    if (frame.remote || frame.error || !FD_LENGTHS.includes(frame.data.length)) return;
    const again = parseCandumpLine(`(0) can0 ${cansendText(frame)}`);
    agree('written and read', again?.frame, frame);
  },
};
