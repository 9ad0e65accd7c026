import { describe, expect, it } from 'vitest';
import { encodeHighRate, runHighRate } from '../../firmware-sim/high-rate.js';
import { SimulatedMcu, type McuTimes } from '../../firmware-sim/mcu.js';
import { pipePair } from '../../firmware-sim/pipe.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import { FakeClock } from '../support/fake-clock.js';
import { Peer } from './peer.js';
import { fromHex, loadVectors, toHex } from './vectors.js';

const PROFILE =
  'highRate: [{type: vib, key: x, samplesPerSecond: 1000, samplesPerPacket: 100, ' +
  'waveform: square, amplitude: 2, offset: 1, periodMs: 100}]';

interface Sent {
  readonly startNs: bigint;
  readonly periodNs: number;
  readonly samples: readonly number[];
}

async function run(ms: number, times: McuTimes = 'sinceStart', each = ms): Promise<Sent[]> {
  const clock = new FakeClock();
  const [device, gateway] = pipePair();
  const mcu = new SimulatedMcu(device, { protocol: 'compact', clock, times });
  runHighRate(mcu, parseProfile(PROFILE), new SeededRandom(1));
  const peer = new Peer(gateway, 'compact');
  mcu.start();
  for (let at = 0; at < ms; at += each) await clock.advanceAsync(each);
  await mcu.close();
  return peer.packets
    .filter(({ subject }) => subject === 'phr')
    .map(({ payload }) => {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
      return {
        startNs: view.getBigUint64(32, true),
        periodNs: view.getUint32(40, true),
        samples: Array.from({ length: (payload.length - 44) / 4 }, (_, i) =>
          view.getFloat32(44 + 4 * i, true),
        ),
      };
    });
}

describe('a high-rate channel of the simulated MCU', () => {
  it('has the bytes of the vectors', () => {
    const vector = loadVectors().find(({ name }) => name === 'g1-phr');
    const payload = encodeHighRate({
      type: 'voltage',
      key: '0',
      startNs: 1_767_323_045_678_901_234n,
      periodNs: 1_000_000,
      samples: [1, 2.5, -3],
    });
    expect(toHex(payload)).toBe(toHex(fromHex(vector?.hex ?? '').slice(17, -2)));
  });

  it('sends each sample once, with times that follow each other', async () => {
    const sent = await run(1_050);
    expect(sent).toHaveLength(10);
    const [first] = sent;
    expect(first?.samples.slice(49, 51)).toEqual([3, -1]);
    sent.forEach(({ startNs, periodNs, samples }, n) => {
      expect([startNs, periodNs, samples.length]).toEqual([
        BigInt(n * 100) * 1_000_000n,
        1_000_000,
        100,
      ]);
    });
  });

  it('has the start time 0 where the device has no time', async () => {
    const sent = await run(250, 'zero');
    expect(sent.map(({ startNs }) => startNs)).toEqual([0n, 0n]);
  });

  it('a profile says what is wrong with one', () => {
    expect(() =>
      parseProfile('highRate: [{type: a-name-of-17-bytes, samplesPerPacket: 0, rate: 5}]'),
    ).toThrow(/highRate\[0\]\.type: has more than 16 bytes|samplesPerSecond/);
  });
});
