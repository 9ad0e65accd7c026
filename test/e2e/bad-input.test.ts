import { expect, it } from 'vitest';
import type { PointLike } from '../../firmware-sim/points.js';
import {
  PROTOCOLS,
  attached,
  find,
  leavesNothingBehind,
  now,
  plant,
  withEachSiot,
} from './harness.js';

leavesNothingBehind();

/** A mark that each bad word carries, to be looked for in everything on NATS. */
const MARK = 'q_q';

/** Longer than a line of NATS' protocol may be (4,096 bytes), where the device's line carries that. */
const LONGEST = Math.min(attached().longestPacket ?? 8_192, 8_192);
/** With room for what else is in the packet. */
const LONG_TYPE = Math.min(5_000, LONGEST - 200);

/** What must never be on NATS. */
const BAD: readonly (readonly [name: string, point: PointLike])[] = [
  ['a dot in the type', { type: `${MARK}a.b`, value: 1 }],
  ['a space in the type', { type: `${MARK}a b`, value: 1 }],
  ['a tab in the type', { type: `${MARK}a\tb`, value: 1 }],
  ['a line break in the type', { type: `${MARK}a\r\nPUB x 1\r\nb`, value: 1 }],
  ['a wildcard as type', { type: '*', value: 1, key: MARK }],
  ['a wildcard in the type', { type: `${MARK}>`, value: 1 }],
  ['a control character in the type', { type: `${MARK}\u0001`, value: 1 }],
  ['a NUL in the type', { type: `${MARK}\u0000`, value: 1 }],
  ['a dot in the key', { type: `${MARK}k`, key: 'a.b', value: 1 }],
  ['a space in the key', { type: `${MARK}k`, key: 'a b', value: 1 }],
  ['a wildcard as key', { type: `${MARK}k`, key: '>', value: 1 }],
  ['a wildcard in the key', { type: `${MARK}k`, key: 'a*', value: 1 }],
  ['a control character in the key', { type: `${MARK}k`, key: '\u007f', value: 1 }],
  ['no type', { type: '', key: MARK, value: 1 }],
  ['a type of 256 bytes', { type: MARK.padEnd(256, 'x'), value: 1 }],
  ['a key of 256 bytes', { type: `${MARK}k`, key: 'k'.repeat(256), value: 1 }],
  [`a type of ${String(LONG_TYPE)} bytes`, { type: MARK.padEnd(LONG_TYPE, 'x'), value: 1 }],
  ['NaN', { type: `${MARK}nan`, value: Number.NaN }],
  ['a reserved type', { type: 'baud', key: MARK, value: 1 }],
  ['a type of the gateway’s', { type: `gateway${MARK}`, value: 1 }],
];

withEachSiot((siot) => {
  for (const protocol of PROTOCOLS) {
    it(`publishes nothing that is not fit for NATS: ${protocol}`, async () => {
      const { device, client, nodeId, gateway } = await plant(siot, protocol, {
        link: { maxFrameLength: LONGEST },
      });
      await client.listen(['>']);
      // The rest of each packet goes on, also what stands behind the bad point.
      for (const [index, [, point]] of BAD.entries()) {
        await device.report(
          { type: 'before', key: String(index), value: index, time: now() },
          { ...point, time: now() },
          { type: 'after', key: String(index), value: index, time: now() },
        );
      }
      for (const index of BAD.keys()) {
        await client.stored(nodeId, 'before', String(index));
        await client.stored(nodeId, 'after', String(index));
      }
      const { points } = await client.node(nodeId);
      expect(points.filter(({ type, key }) => (type + key).includes(MARK))).toEqual([]);
      // Whatever message it may be in, and whoever sent it.
      for (const { subject, data } of client.seen) {
        expect(subject).not.toContain(MARK);
        expect(Buffer.from(data).includes(MARK), subject).toBe(false);
      }
      const { counters } = gateway.link();
      expect(counters).toMatchObject({
        empty: 1,
        forbiddenCharacter: 13,
        tooLong: 3,
        nan: 1,
        reserved: 2,
      });
      // The same connection all the time.
      expect(gateway.said.filter(({ message }) => /connect|lost/i.test(message))).toHaveLength(1);
      expect(gateway.link()).toMatchObject({ port: 'open', connected: true });
    });

    it(`publishes points that are unusual but valid: ${protocol}`, async () => {
      const { device, client, nodeId, gateway } = await plant(siot, protocol);
      await device.report(
        { type: 'up', value: Number.POSITIVE_INFINITY, time: now() },
        { type: 'down', value: Number.NEGATIVE_INFINITY, time: now() },
        { type: 'Ünicode/%[x]{y}="z"', key: 'ключ', value: 1, time: now() },
        { type: 't'.repeat(255), key: 'k', value: 2, time: now() },
      );
      expect((await client.stored(nodeId, 'up')).number).toBe(Number.POSITIVE_INFINITY);
      expect((await client.stored(nodeId, 'down')).number).toBe(Number.NEGATIVE_INFINITY);
      expect((await client.stored(nodeId, 'Ünicode/%[x]{y}="z"', 'ключ')).number).toBe(1);
      expect((await client.stored(nodeId, 't'.repeat(255), 'k')).number).toBe(2);

      // Text that is not UTF-8 is mended, and the rest of its packet goes on.
      const payload = withBrokenText(protocol, now());
      expect((await device.mcu.sendPayload('', payload)).outcome).toBe('acknowledged');
      expect((await client.stored(nodeId, 'mended')).text).toBe('a\ufffdb');
      expect(gateway.counter('mendedText')).toBe(1);
    });

    it(`survives garbage on the line: ${protocol}`, async () => {
      const { device, client, nodeId, gateway } = await plant(siot, protocol);
      device.mcu.sendRaw(Uint8Array.from({ length: 4_000 }, (_, index) => (index * 7) % 256));
      device.mcu.sendRaw(Uint8Array.of(0));
      await device.mcu.sendPayload('', Buffer.from('no points at all'), { waitAck: false });
      await device.mcu.sendPayload('', Buffer.from('ffffffff', 'hex'), { waitAck: false });
      await device.report({ type: 'after', value: 1, time: now() });
      expect((await client.stored(nodeId, 'after')).number).toBe(1);
      expect(find((await client.node(nodeId)).points, 'after')?.number).toBe(1);
      expect(gateway.counter('errorCount')).toBeGreaterThan(0);
      expect(gateway.link()).toMatchObject({ port: 'open', connected: true });
    });
  }
});

/** One point `mended` whose text is `a`, a byte that is no UTF-8, and `b`. */
function withBrokenText(protocol: 'protobuf' | 'compact', time: bigint): Uint8Array {
  const text = Buffer.from('61ff62', 'hex');
  if (protocol === 'protobuf') {
    const point = Buffer.concat([
      Buffer.from([0x12, 6]),
      Buffer.from('mended'),
      Buffer.from([0x42, text.length]),
      text,
    ]);
    return Buffer.concat([Buffer.from([0x0a, point.length]), point]);
  }
  const fixed = Buffer.alloc(8);
  fixed.writeBigInt64LE(time);
  return Buffer.concat([
    Buffer.from([1, 0, 0, 0, 6, 0]),
    Buffer.from('mended'),
    Buffer.from([0, 0]),
    fixed,
    Buffer.from([3, text.length, 0]),
    text,
    Buffer.from([0, 0, 0, 0, 0, 0]),
  ]);
}
