/** Ready-made bytes of both sides, from the simulated MCU's own codec. */
import { encodeFrame } from '../firmware-sim/cobs.js';
import { POINT_CODECS, type Protocol } from '../firmware-sim/codec.js';
import { encodeHighRate } from '../firmware-sim/high-rate.js';
import { encodePacket } from '../firmware-sim/packet.js';
import { mcuPoint, type McuPoint } from '../firmware-sim/points.js';

/** Type of the points that go up; their keys are 0, 1, 2 … */
export const UP_TYPE = 'value';
/** Type of the settings that go down; their keys are 0, 1, 2 … */
export const DOWN_TYPE = 'setpoint';

/** Sequence numbers go from 1 to this one. */
export const SEQUENCES = 255;

/** `time` 0: stamped on arrival, so that each is news. */
export function pointsOf(count: number, value: number, time = 0n): McuPoint[] {
  return Array.from({ length: count }, (_, i) =>
    mcuPoint({ type: UP_TYPE, key: String(i), value: value + i / 8, time }),
  );
}

/** A packet of points for each sequence number; its values follow the sequence. */
export function pointFrames(points: number, protocol: Protocol): Uint8Array[] {
  const codec = POINT_CODECS[protocol];
  return sequences((sequence) =>
    encodeFrame(
      encodePacket({ sequence, subject: '', payload: codec.encode(pointsOf(points, sequence)) }),
    ),
  );
}

/** Type of the high-rate channel. */
export const STREAM_TYPE = 'stream';

/** A high-rate packet for each sequence number; the device has no clock. */
export function streamFrames(samples: number): Uint8Array[] {
  return sequences((sequence) =>
    encodeFrame(encodePacket({ sequence, subject: 'phr', payload: streamPayload(samples) })),
  );
}

/** A sine of 1 kHz at 250,000 samples/s. */
export const streamPayload = (samples: number): Uint8Array =>
  encodeHighRate({
    type: STREAM_TYPE,
    key: '0',
    startNs: 0n,
    periodNs: 4_000,
    samples: Array.from({ length: samples }, (_, i) => Math.sin((2 * Math.PI * i) / 250)),
  });

/** An ack for each sequence number. */
export function ackFrames(protocol: Protocol): Uint8Array[] {
  const payload = POINT_CODECS[protocol].encode([]);
  return sequences((sequence) => encodeFrame(encodePacket({ sequence, subject: 'ack', payload })));
}

/** A packet in which the device reports its settings, so that they are known. */
export function reportFrame(settings: number, sequence: number, protocol: Protocol): Uint8Array {
  const points = Array.from({ length: settings }, (_, i) =>
    mcuPoint({ type: DOWN_TYPE, key: String(i), value: -1, time: 0n }),
  );
  const payload = POINT_CODECS[protocol].encode(points);
  return encodeFrame(encodePacket({ sequence, subject: '', payload }));
}

/** What the relay sends down for a setting. */
export function settingFrame(): Uint8Array {
  const payload = POINT_CODECS.compact.encode([
    mcuPoint({ type: DOWN_TYPE, key: '0', value: 1, time: 1n }),
  ]);
  return encodeFrame(encodePacket({ sequence: 1, subject: 'proto', payload }));
}

function sequences(frame: (sequence: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: SEQUENCES }, (_, i) => frame(i + 1));
}
