/**
 * High-rate samples of a simulated device, through the gateway: what anyone sees on NATS,
 * and what SIOT's own consumer makes of it, whose database is a small HTTP server here.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeHighRate } from '../../firmware-sim/high-rate.js';
import { atEnd, leavesNothingBehind, now, plant, withEachSiot, type Plant } from './harness.js';
import { isReal, whyNot } from './siot-server.js';
import { SLOWNESS } from '../support/slowness.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const PERIOD_NS = 1_000_000;
const SAMPLES = [1, 2.5, -3, 0.125];

/** The device sends four samples of vib/x that begin then; returns the payload. */
async function send({ device }: Plant, startNs: bigint): Promise<Uint8Array> {
  const payload = encodeHighRate({
    type: 'vib',
    key: 'x',
    startNs,
    periodNs: PERIOD_NS,
    samples: SAMPLES,
  });
  await device.mcu.sendPayload('phr', payload, { waitAck: false });
  return payload;
}

withEachSiot(
  (siot) => {
    it('samples go to the root node of SIOT as they are, and are counted; points beside them arrive', async () => {
      const all = await plant(siot, 'compact');
      const { device, client, nodeId } = all;
      const seen: { subject: string; data: Uint8Array }[] = client.seen;
      await client.listen(['phrup.>']);
      const isSample = ({ subject }: { subject: string }): boolean => subject.startsWith('phrup');
      const payload = await send(all, now());
      await device.report({ type: 'rms', value: 7, time: now() });
      await until(() => seen.some(isSample), 'the samples');
      const [message] = seen.filter(isSample);
      expect(message?.subject).toBe(`phrup.${await client.rootId()}.${nodeId}`);
      expect(Buffer.from(message?.data ?? [])).toEqual(Buffer.from(payload));
      expect((await client.stored(nodeId, 'rms')).number).toBe(7);
      await client.stored(nodeId, 'hrRx', '0', ({ number }) => number === 1, 8_000 * SLOWNESS);
    });
  },
  ['0.25.0'],
);

describe('SIOT’s db node', () => {
  withEachSiot(
    (siot) => {
      it('writes each sample to its database, with its value and its time', async () => {
        const lines: string[] = [];
        const url = await database(lines);
        const all = await plant(siot, 'compact');
        const { client } = all;
        const rootId = await client.rootId();
        const dbId = randomUUID();
        const texts = { description: 'db', uri: url, org: 'o', bucket: 'b', authToken: 't' };
        for (const [type, value] of Object.entries(texts)) {
          await client.set(siot.generation, dbId, { type, key: '0', value, time: now() });
        }
        await client.setEdge(siot.generation, dbId, rootId, [
          { type: 'tombstone', key: '0', value: 0, time: now() },
          { type: 'nodeType', key: '0', value: 'db', time: now() },
        ]);
        // It begins to listen at some time after that, and nothing is kept for it.
        let startNs = 0n;
        const written = (at: bigint): string[] =>
          SAMPLES.map((sample, i) => `${String(sample)}@${String(at + BigInt(i * PERIOD_NS))}`);
        await until(
          async () => {
            if (startNs === 0n || lines.length === 0) {
              startNs = now();
              await send(all, startNs);
            }
            return lines.length > 0;
          },
          'a sample in the database',
          30_000 * SLOWNESS,
        );
        startNs = now();
        await send(all, startNs);
        await until(
          () => written(startNs).every((one) => lines.includes(one)),
          () => `all of ${written(startNs).join(' ')} in the database`,
          10_000 * SLOWNESS,
        );
      });
    },
    ['0.25.0'],
    (version) => (isReal ? whyNot(version) : 'needs a real SIOT: SIOT_BIN names its program'),
  );
});

/** Stands in for InfluxDB; adds `VALUE@NS` to `samples` for each line of vib/x. Returns its address. */
async function database(samples: string[]): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      for (const line of Buffer.concat(chunks).toString('utf8').split('\n')) {
        const [, value = '', ns = ''] = /type=vib\S* value=([^ ,]+)\S* (\d+)$/.exec(line) ?? [];
        if (value !== '' && line.includes('key=x')) samples.push(`${value}@${ns}`);
      }
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
