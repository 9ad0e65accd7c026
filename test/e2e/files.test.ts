/** A file node of SIOT reaches the device when somebody names it in `download`. */
import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FileReceiver } from '../../firmware-sim/index.js';
import { until } from '../support/until.js';
import {
  leavesNothingBehind,
  now,
  plant,
  withEachSiot,
  type Generation,
  type Plant,
} from './harness.js';
import type { Written } from './points.js';

leavesNothingBehind();

// Runs of 254 bytes without a zero, of which SIOT's own encoder loses the zero behind them.
const CONTENT = Buffer.concat([
  Buffer.alloc(254, 5),
  Buffer.alloc(1),
  Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 31) & 0xff)),
]);

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

function receiverOf({ device }: Plant): FileReceiver & { isDeaf: boolean } {
  const files = Object.assign(new FileReceiver(), { isDeaf: false });
  device.mcu.push(files);
  device.mcu.push({
    name: 'deaf',
    onPacket: ({ subject }) => (subject === 'file' && files.isDeaf ? 'handled' : undefined),
  });
  return files;
}

/** As SIOT's page makes it: points, then the edge. */
async function fileNode(
  generation: Generation,
  { client, nodeId }: Plant,
  points: Readonly<Record<string, Written>>,
): Promise<void> {
  const id = randomUUID();
  for (const [type, value] of Object.entries(points)) {
    await client.set(generation, id, { type, key: '0', value, time: now() });
  }
  await client.setEdge(generation, id, nodeId, [
    { type: 'tombstone', key: '0', value: 0, time: now() },
    { type: 'nodeType', key: '0', value: 'file', time: now() },
  ]);
}

withEachSiot((siot) => {
  describe('download', () => {
    it('brings a file to the device, is emptied at its end, and ends a file when it is emptied', async () => {
      const all = await plant(siot, 'compact');
      const { client, nodeId, set } = all;
      const files = receiverOf(all);
      const data = CONTENT.toString('base64');
      await fileNode(siot.generation, all, { name: 'fw.bin', data, binary: 1, hash: md5(CONTENT) });
      await set({ type: 'download', value: 'fw.bin', time: now() });
      await until(() => files.files.length === 1, 'the file to arrive');
      expect(Buffer.compare(files.files[0]!.bytes, CONTENT)).toBe(0);
      await client.stored(nodeId, 'gatewayFileState', '0', ({ text }) => text === 'done');
      await client.stored(nodeId, 'download', '0', ({ text }) => text === '');
      await client.stored(nodeId, 'progress', '0', ({ number }) => number === 100);

      files.isDeaf = true;
      await set({ type: 'download', value: 'fw.bin', time: now() });
      await client.stored(nodeId, 'gatewayFileState', '0', ({ text }) => text === 'sending');
      await set({ type: 'download', value: '', time: now() });
      await client.stored(nodeId, 'gatewayFileState', '0', ({ text }) => text === 'aborted');
      expect(files.files).toHaveLength(1);
      all.device.mcu.assertNotReceived('download');
    });

    it('says why a file is not sent', async () => {
      const all = await plant(siot, 'compact');
      const { client, nodeId, set } = all;
      const files = receiverOf(all);
      await fileNode(siot.generation, all, {
        name: 'bad.bin',
        data: 'AAEC',
        binary: 1,
        hash: md5(CONTENT),
      });
      for (const [name, why] of [
        ['none.bin', /no file node named "none.bin"/],
        ['bad.bin', /does not match its hash/],
      ] as const) {
        await set({ type: 'download', value: name, time: now() });
        await client.stored(nodeId, 'gatewayFileError', '0', ({ text }) => why.test(text));
        await client.stored(nodeId, 'download', '0', ({ text }) => text === '');
      }
      await client.stored(nodeId, 'gatewayFileState', '0', ({ text }) => text === 'failed');
      expect(files.files).toEqual([]);
    });
  });
});
