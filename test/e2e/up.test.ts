import { describe, expect, it } from 'vitest';
import type { McuValue } from '../../firmware-sim/points.js';
import { PROTOCOLS, leavesNothingBehind, now, plant, withEachSiot, find } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const CLOCKS_APART_NS = 100_000_000n;

interface Reading {
  readonly number: number;
  readonly text: string;
}

/** What a device sends, and what SIOT has to read. */
const VALUES: readonly (readonly [name: string, value: McuValue, reading: Reading])[] = [
  ['number', 23.5, { number: 23.5, text: '' }],
  ['negative', -12.25, { number: -12.25, text: '' }],
  ['zero', 0, { number: 0, text: '' }],
  ['infinite', Number.POSITIVE_INFINITY, { number: Number.POSITIVE_INFINITY, text: '' }],
  ['text', 'pump house — Höhe', { number: 0, text: 'pump house — Höhe' }],
  ['json', { json: '{"a":[1,2]}' }, { number: 0, text: '{"a":[1,2]}' }],
  ['int1', { int: -40n, bytes: 1 }, { number: -40, text: '' }],
  ['int1up', { int: 100n, bytes: 1 }, { number: 100, text: '' }],
  ['int2', { int: -300n, bytes: 2 }, { number: -300, text: '' }],
  ['int2up', { int: 30_000n, bytes: 2 }, { number: 30_000, text: '' }],
  ['int4', { int: -70_000n, bytes: 4 }, { number: -70_000, text: '' }],
  ['int4up', { int: 70_000n, bytes: 4 }, { number: 70_000, text: '' }],
  ['int8', -5_000_000_000n, { number: -5_000_000_000, text: '' }],
  ['int8up', 8_589_934_592n, { number: 8_589_934_592, text: '' }],
];

/** What a device with single precision makes of a number. */
const asSent = (protocol: string, { number, text }: Reading): Reading => ({
  number: protocol === 'protobuf' ? Math.fround(number) : number,
  text,
});

withEachSiot((siot) => {
  for (const protocol of PROTOCOLS) {
    for (const line of ['serial', 'tcp'] as const) {
      describe(`${protocol} over ${line}`, () => {
        it('brings every kind of value to where SIOT reads it correctly', async () => {
          const { device, client, nodeId } = await plant(siot, protocol, { line });
          const time = now() - 1_000_000n;
          for (const [type, value] of VALUES) await device.report({ type, value, time });

          for (const [type, , reading] of VALUES) {
            const expected = { ...asSent(protocol, reading), time, tombstone: 0, origin: '' };
            const point = await client.stored(nodeId, type);
            expect(point, `${type} in the store`).toMatchObject({ ...expected, key: '0' });
            const published = find(client.pointsOn(siot.generation, nodeId), type);
            expect(published, `${type} as published`).toMatchObject(expected);
          }
        });
      });
    }

    describe(`${protocol} over serial`, () => {
      it('keeps keys, tombstones and times to the nanosecond', async () => {
        const { device, client, nodeId } = await plant(siot, protocol);
        const time = now() - 123_456_789n;
        await device.report(
          { type: 'blank', key: '', value: 1, time },
          { type: 'zero', key: '0', value: 2, time },
          { type: 'keyed', key: 'front', value: 3, time: time + 1n },
          { type: 'gone', key: 'x', value: 4, time, tombstone: 1 },
        );
        expect(await client.stored(nodeId, 'blank')).toMatchObject({ key: '0', number: 1, time });
        expect(await client.stored(nodeId, 'zero')).toMatchObject({ key: '0', number: 2, time });
        expect(await client.stored(nodeId, 'keyed', 'front')).toMatchObject({
          number: 3,
          time: time + 1n,
        });
        expect(await client.stored(nodeId, 'gone', 'x')).toMatchObject({ number: 4, tombstone: 1 });
        // Stores keep "0"; nobody is ever sent the other spelling (docs/siot.md, 1.2).
        expect(client.pointsOn(siot.generation, nodeId).map(({ key }) => key)).not.toContain('');
      });

      it('gives a time where the device has none, or one of its own, or one ahead', async () => {
        const { device, client, gateway, nodeId } = await plant(siot, protocol);
        // Two SystemClocks may be some milliseconds apart.
        const before = now() - CLOCKS_APART_NS;
        const bootedNs = 5_000_000_000n;
        await device.report({ type: 'stamped', value: 1, time: 0n });
        await device.report(
          { type: 'mappedBefore', value: 1, time: bootedNs - 1_500_000_000n },
          { type: 'mapped', value: 1, time: bootedNs },
        );
        await device.report({ type: 'future', value: 1, time: now() + 3_600_000_000_000n });
        await device.report({ type: 'past', value: 1, time: before - 86_400_000_000_000n });
        const stamped = await client.stored(nodeId, 'stamped');
        const mapped = await client.stored(nodeId, 'mapped');
        const mappedBefore = await client.stored(nodeId, 'mappedBefore');
        const future = await client.stored(nodeId, 'future');
        const past = await client.stored(nodeId, 'past');
        const after = now() + CLOCKS_APART_NS;
        for (const { type, time } of [stamped, mapped, future]) {
          expect(time >= before && time <= after, `${type} at ${String(time)}`).toBe(true);
        }
        expect(mapped.time - mappedBefore.time).toBe(1_500_000_000n);
        expect(past.time).toBe(before - 86_400_000_000_000n);
        expect(gateway.counter('stampedTime')).toBe(1);
        expect(gateway.counter('mappedTime')).toBe(2);
        expect(gateway.counter('futureTime')).toBe(1);
      });

      it('keeps apart points whose type and key read the same', async () => {
        const { device, client, nodeId } = await plant(siot, protocol);
        const time = now();
        await device.report(
          { type: 'temp', key: '10', value: 1, time },
          { type: 'temp1', key: '0', value: 2, time },
        );
        expect((await client.stored(nodeId, 'temp', '10')).number).toBe(1);
        expect((await client.stored(nodeId, 'temp1', '0')).number).toBe(2);
      });

      it('publishes as the node’s owner, on the subjects of the generation', async () => {
        const { device, client, nodeId } = await plant(siot, protocol);
        await device.report({ type: 'temp', key: 'front', value: 1, time: now(), origin: 'else' });
        await client.stored(nodeId, 'temp', 'front');
        const subject = siot.generation === 1 ? `p.${nodeId}` : `p.${nodeId}.temp.front`;
        await until(() => client.seen.some((message) => message.subject === subject), subject);
        expect(find(client.pointsOn(siot.generation, nodeId), 'temp', 'front')?.origin).toBe('');
      });
    });
  }
});
