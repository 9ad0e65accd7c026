/**
 * A good device on a bad line is never blamed. SEED=n looks at other seeds from that one
 * on, SEEDS=n at so many of them.
 */
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../../firmware-sim/codec.js';
import { SLOWNESS } from '../../support/slowness.js';
import { simulated } from './simulated.js';
import type { DiagnosisCause } from '../../../src/session/diagnosis/diagnosis.js';

const SEED = Number(process.env.SEED ?? 20_261_130);
const SEEDS = Number(process.env.SEEDS ?? 4);

/** What is true of a good device on a line that damages packets. */
const OF_THE_LINE: readonly (DiagnosisCause | undefined)[] = [
  undefined,
  'silence',
  'damaged',
  'unclear',
];

/** All causes that a good device with these faults is given within 40 s. */
async function causesOf(
  faults: string,
  protocol: Protocol,
  seed: number,
): Promise<Set<DiagnosisCause | undefined>> {
  const harness = simulated(faults, protocol, seed);
  const causes = new Set<DiagnosisCause | undefined>();
  for (let second = 0; second < 40; second++) {
    await harness.clock.advanceAsync(1_000);
    causes.add(harness.session.diagnosis?.cause);
  }
  harness.close();
  return causes;
}

describe('a good device', () => {
  it.each([
    '',
    'flip=1e-3,drop=1e-3,dup=1e-3,split=0.5,merge=0.3',
    'flip=1e-2,split=0.5',
    'drop=1e-2,merge=0.5',
    'dup=2e-2',
    'flip=5e-2',
    'drop=5e-2,dup=5e-2',
    'babble=15s/300ms',
    'silent=5s/3s,reboot=20s',
    'delay=0.3/900ms,split=1',
  ])(
    'with faults %s',
    async (faults) => {
      for (const protocol of ['protobuf', 'compact'] as const) {
        for (let seed = SEED; seed < SEED + SEEDS; seed++) {
          const blamed = [...(await causesOf(faults, protocol, seed))].filter(
            (cause) => !OF_THE_LINE.includes(cause),
          );
          expect([`seed ${String(seed)}`, protocol, blamed]).toEqual([
            `seed ${String(seed)}`,
            protocol,
            [],
          ]);
        }
      }
    },
    5_000 * SEEDS * SLOWNESS,
  );

  // Four packets in a row whose form the noise left intact were taken for a wrong CRC of the firmware.
  it('that was blamed once is not any more', async () => {
    const causes = await causesOf('flip=5e-2', 'protobuf', 100_035);
    expect([...causes].filter((cause) => !OF_THE_LINE.includes(cause))).toEqual([]);
  });
});
