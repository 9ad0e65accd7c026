import { protobufPoints } from '../../../firmware-sim/protobuf.js';
import { numberIn, textIn } from '../../../firmware-sim/points.js';
import { isCompact } from '../../../src/packet/compact.js';
import { protobufCodec } from '../../../src/packet/protobuf.js';
import { numberOf, textOf, type Point } from '../../../src/point/point.js';
import { payloads, somePoints, unsigned } from '../inputs.js';
import { protoText, reader, type ReflectedPoint } from '../reflection.js';
import { agree, must, type FuzzTarget } from '../target.js';

const reflected = reader<{ points: ReflectedPoint[] }>(protoText('serial'), 'serial.Points');

/** The protobuf payload of devices. */
export const protobufTarget: FuzzTarget = {
  name: 'protobuf',
  files: ['src/packet/protobuf.ts'],
  maxLength: 1_200,
  words: ['\x0a', '\x12\x04temp', '\x25', '\x80\x01', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)],
  corpus: () => payloads('gen1'),
  generate: (random) => protobufPoints.encode(somePoints(random)),
  check: (input) => {
    const ours = protobufCodec.decode(input);
    const device = protobufPoints.decode(input);
    // Groups, which proto3 does not have, are skipped by one and refused by the other.
    if (ours !== undefined && device !== undefined) {
      agree(
        'points, and by the simulated device',
        ours.points.map(plain),
        device.map((point) => ({
          ...point,
          value: [unsigned(numberIn(point.value)), textIn(point.value)],
        })),
      );
    }
    must(
      ours !== undefined || device === undefined,
      'refused, and readable by the simulated device',
    );
    const theirs = reflected(input)?.points;
    must(ours !== undefined || theirs === undefined, 'refused, and readable by protobufjs');
    // Which refuses text that is not UTF-8.
    if (theirs !== undefined)
      agree('points, and by protobufjs', ours?.points.map(plain), theirs.map(plainReflected));
    else if (ours !== undefined) must(ours.mendedTexts > 0, 'taken, and refused by protobufjs');
    if (ours === undefined) return;
    const written = protobufCodec.encode(ours.points);
    agree('written and read again', protobufCodec.decode(written)?.points, ours.points);
    must(ours.points.length === 0 || !isCompact(written), 'written, and taken for compact');
  },
};

const plain = ({ type, key, time, value, tombstone, origin }: Point): object => ({
  type,
  key,
  time,
  value: [unsigned(numberOf(value)), textOf(value)],
  tombstone,
  origin,
});

const plainReflected = (point: ReflectedPoint): object => ({
  type: point.type,
  key: point.key,
  time: BigInt(String(point.time)),
  value: [unsigned(point.value), point.text],
  tombstone: point.tombstone,
  origin: point.origin,
});
