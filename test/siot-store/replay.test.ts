import { describe, expect, it } from 'vitest';
import { useNats } from '../support/nats.js';
import { readRecording, replay } from './recording.js';
import { SiotStore } from './siot-store.js';

// Another recording of the same form: SIOT_STORE_RECORDING=FILE.
const other = process.env['SIOT_STORE_RECORDING'];
const recording = await readRecording(other ?? new URL('../vectors/store.json', import.meta.url));

describe('what real servers answered', () => {
  const nats = useNats();

  it.each(recording)('$version', async (recorded) => {
    const store = await SiotStore.start({ nats: nats.url, version: recorded.version });
    try {
      const connection = await nats.connect({ noEcho: true });
      const { rootId, userId } = store;
      expect(await replay(recorded, { connection, rootId, userId })).toEqual([]);
    } finally {
      await store.stop();
    }
  });

  it.skipIf(other !== undefined)('is all replayed: 436 steps (a recording of our own only)', () => {
    const steps = recording.flatMap(({ scenarios }) => scenarios.flatMap((each) => each.steps));
    expect(steps.length).toBe(436);
  });
});
