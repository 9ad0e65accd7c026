/** The other end, in a process of its own: sends back what comes. Arguments: framing, `fd` or not, whose. */
import { writeSync } from 'node:fs';
import { openBare } from './bare.js';
import { IDS } from './cases.js';

const [framing, kind, whose] = process.argv.slice(2);
const { down, up } = IDS[whose === 'bare' ? 'bare' : 'gateway'];
const bare = openBare(
  { framing: framing === 'isotp' ? 'isotp' : 'cobs', fd: kind === 'fd' },
  up,
  down,
);
writeSync(1, 'ready\n');
for (;;) bare.send(bare.receive());
