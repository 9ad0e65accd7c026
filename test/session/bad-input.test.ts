/** 'Bad input' through the real receive path: bytes into a session, points and counts out of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POINT_CODECS } from '../../firmware-sim/codec.js';
import { decodeCobs, encodeFrame } from '../../firmware-sim/cobs.js';
import { decodePacket, encodePacket } from '../../firmware-sim/packet.js';
import { mcuPoint } from '../../firmware-sim/points.js';
import type { Discard } from '../../src/session/node/counters.js';
import { SessionHarness } from '../support/session-harness.js';
import { fromHex, loadVectors } from '../firmware-sim/vectors.js';

const vectors = loadVectors();
const framed = vectors.filter(({ frame_hex }) => frame_hex !== undefined);
const pointPackets = framed.filter(({ decoded }) => (decoded.points?.length ?? 0) > 0);

const WIRE: readonly Discard[] = ['oversize', 'malformed', 'short', 'crc', 'payload', 'unexpected'];
const discards = (harness: SessionHarness): Record<string, number> =>
  Object.fromEntries(
    WIRE.map((cause) => [cause, harness.count(cause)] as const).filter(([, n]) => n !== 0),
  );
const lent = (harness: SessionHarness, bytes: Uint8Array): void => {
  const copy = Uint8Array.from(bytes);
  harness.bytes(copy);
  copy.fill(0x55);
};
const fresh = (): SessionHarness => {
  const harness = new SessionHarness();
  harness.open();
  return harness;
};

describe('every vector through the receive path', () => {
  it.each(pointPackets.map((vector) => [vector.name, vector] as const))(
    '%s becomes points and an ack, whole, byte by byte and at every split',
    (_, vector) => {
      const bytes = fromHex(vector.frame_hex!);
      const ways: Uint8Array[][] = [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))];
      for (let at = 1; at < bytes.length; at += 1) {
        ways.push([bytes.subarray(0, at), bytes.subarray(at)]);
      }
      for (const way of ways) {
        const harness = fresh();
        for (const chunk of way) lent(harness, chunk);
        expect(harness.published.map(({ type }) => type)).toEqual(
          // The gateway's own to send: no device has it to report.
          vector.decoded.points!.map(({ type }) => type).filter((type) => type !== 'timeSync'),
        );
        expect(harness.takeAcks()).toEqual([vector.decoded.seq]);
        expect(discards(harness)).toEqual({});
        harness.close();
      }
    },
  );

  it.each(framed.map((vector) => [vector.name, vector] as const))(
    '%s: every prefix gives nothing, and the next frame is whole',
    (_, vector) => {
      const bytes = fromHex(vector.frame_hex!);
      const log = vector.decoded.subject === 'log';
      const next = encodeFrame(
        encodePacket({
          sequence: 9,
          subject: '',
          payload: POINT_CODECS.compact.encode([mcuPoint({ type: 'next', value: 1 })]),
        }),
      );
      for (let length = 0; length < bytes.length - 1; length += 1) {
        const harness = fresh();
        lent(harness, bytes.subarray(0, length));
        expect(harness.published).toEqual([]);
        lent(harness, next);
        expect(harness.published.map(({ type }) => type)).toEqual(['next']);
        const counted = Object.values(discards(harness)).reduce((a, b) => a + b, 0);
        expect(counted).toBe(length > 1 ? 1 : 0);
        if (length > 1 && !log) {
          // The cause is what the firmware's own reader says of these bytes.
          const raw = decodeCobs(bytes.subarray(1, length));
          const cause = raw === undefined ? 'malformed' : decodePacket(raw);
          expect(discards(harness)).toEqual({ [cause as string]: 1 });
        }
        harness.close();
      }
    },
  );

  it.each(framed.map((vector) => [vector.name, vector] as const))(
    '%s: every corruption of a byte: no throw, no wrong point, each discard under its cause',
    (_, vector) => {
      const bytes = fromHex(vector.frame_hex!);
      const log = vector.decoded.subject === 'log';
      const harness = fresh();
      for (let at = 0; at < bytes.length; at += 1) {
        for (const change of [0x01, 0x80, 0xff, bytes[at]!]) {
          const broken = Uint8Array.from(bytes);
          broken[at]! ^= change;
          const before = harness.published.length;
          const errors = harness.session.state.counters.errorCount;
          const heard = harness.session.state.counters.rx + harness.session.state.counters.hrRx;
          lent(harness, broken);
          // The end that a broken delimiter took away.
          lent(harness, Uint8Array.of(0));
          const published = harness.published.slice(before);
          // A delimiter that is none any more may leave the packet whole: CRC-16/KERMIT
          // does not see a zero more at either end, and bytes behind the points are ignored.
          const delimiter = at === 0 || at === bytes.length - 1;
          const known = (vector.decoded.points ?? []).map(({ type }) => type);
          for (const { type } of published) {
            expect(log || type === 'log' ? 'log' : type).toSatisfy(
              (name: string) => (log && name === 'log') || (delimiter && known.includes(name)),
            );
          }
          const quiet = vector.decoded.subject === 'ack' || log;
          const counted = harness.session.state.counters.errorCount - errors;
          if (!quiet && published.length === 0) {
            const taken =
              harness.session.state.counters.rx + harness.session.state.counters.hrRx - heard;
            // The vectors of `timeSync` are what this very session has sent.
            expect(counted + taken + harness.count('echo')).toBeGreaterThan(0);
          }
        }
      }
      harness.close();
    },
  );

  it('counts a wrong CRC, a short frame, a code past the end, a frame too long, points that are none', () => {
    const harness = fresh();
    const packet = encodePacket({
      sequence: 1,
      subject: '',
      payload: Uint8Array.of(9, 9, 9, 9, 9),
    });
    const broken = Uint8Array.from(packet);
    broken[20]! ^= 4;
    for (const frame of [
      encodeFrame(broken),
      encodeFrame(new Uint8Array(5)),
      Uint8Array.of(0, 9, 1, 0),
      encodeFrame(new Uint8Array(2000).fill(1)),
      encodeFrame(packet),
    ]) {
      lent(harness, frame);
    }
    expect(discards(harness)).toEqual({ crc: 1, short: 1, malformed: 1, oversize: 1, payload: 1 });
    expect(harness.session.state.counters.errorCount).toBe(5);
    expect(harness.published).toEqual([]);
    expect(harness.takeAcks()).toEqual([]);
  });

  it('a packet `file` from a device is counted, and is nothing else', () => {
    const harness = fresh();
    lent(harness, fromHex(vectors.find(({ name }) => name === 'g1-file-block')!.frame_hex!));
    expect(discards(harness)).toEqual({ unexpected: 1 });
    expect(harness.published).toEqual([]);
  });
});

describe('noise', () => {
  it('random bytes, cut anyhow, never throw and never make a point', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 }), (chunks) => {
        const harness = fresh();
        for (const chunk of chunks) lent(harness, chunk);
        harness.advance(60_000);
        expect(harness.published.filter(({ type }) => type !== 'log')).toEqual([]);
        harness.close();
      }),
    );
  });

  it('any payload with a valid CRC never throws; what is published may stand on NATS', () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(
          fc.constantFrom('compact' as const, 'protobuf' as const),
          fc.string({ unit: 'binary', maxLength: 12 }),
          fc.string({ unit: 'binary', maxLength: 12 }),
          fc.oneof(fc.double(), fc.string({ unit: 'binary' })),
          fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
        )
        .map(([codec, type, key, value, time]) =>
          POINT_CODECS[codec].encode([mcuPoint({ type, key, value, time })]),
        ),
    );
    const packet = fc.record({
      sequence: fc.nat(255),
      subject: fc.constantFrom('', 'proto', 'ack', 'log', 'phr', 'file', 'anything'),
      payload,
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 12 }), (packets) => {
        const harness = fresh();
        for (const one of packets) {
          lent(harness, encodeFrame(encodePacket(one)));
          harness.advance(700);
        }
        for (const point of harness.published) {
          expect(point.type).not.toMatch(/[.*> \t\r\n]|^$/);
          expect(point.key).not.toMatch(/[.*> \t\r\n]|^$/);
          expect(Buffer.byteLength(point.type)).toBeLessThanOrEqual(255);
          expect(point.origin).toBe('');
          expect(point.value.kind === 'float' && Number.isNaN(point.value.number)).toBe(false);
          expect(point.time > 0n).toBe(true);
          expect(point.time <= harness.clock.wallNs() + 1_000_000_000n).toBe(true);
        }
        harness.close();
      }),
      { numRuns: 300 },
    );
  });

  it('any chunking of a session gives the same points and the same acks', () => {
    const packets = fc.array(
      fc.tuple(fc.nat(255), fc.string({ minLength: 1, maxLength: 4 }), fc.double()),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(
        packets,
        fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 20 }),
        (list, cuts) => {
          const bytes = Buffer.concat(
            list.map(([sequence, type, value]) =>
              encodeFrame(
                encodePacket({
                  sequence,
                  subject: '',
                  payload: POINT_CODECS.compact.encode([mcuPoint({ type, value, time: 1n })]),
                }),
              ),
            ),
          );
          const whole = fresh();
          lent(whole, bytes);
          const cut = fresh();
          let at = 0;
          for (const size of cuts) {
            lent(cut, bytes.subarray(at, at + size));
            at += size;
          }
          lent(cut, bytes.subarray(at));
          expect(cut.published).toEqual(whole.published);
          expect(cut.takeAcks()).toEqual(whole.takeAcks());
        },
      ),
    );
  });
});
