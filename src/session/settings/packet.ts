/** A setting as it goes to the device (docs/contract.md, "Sending", "Removed points"). */
import { PayloadError, type PayloadCodec } from '../../packet/payload.js';
import { isDeleted, type Point, type PointValue } from '../../point/point.js';
import type { Outgoing, OutgoingPacket } from '../sending/outgoing.js';
import type { Setting } from './setting.js';

/** What a setting says to its device. */
export interface SettingValues {
  /** Last value known of a point, for a setting that deletes it. */
  lastValue(type: string, key: string): Point | undefined;
  /** A value of SIOT as the device says it: before the scale of the point. */
  toDevice(type: string, key: string, value: PointValue): PointValue;
  /** What a setting says, as it goes to the device (docs/contract.md, "Values"). */
  asDeviceSays(setting: Setting): PointValue;
  /** The scale of its point, as far as is known now. */
  scaleOf(setting: Setting): number;
}

/** Or why it cannot be sent, for people. `maxFrameLength`: of the longest frame to send, delimiters included, bytes. */
export function settingPacket(
  setting: Setting,
  codec: PayloadCodec,
  outgoing: Outgoing,
  values: SettingValues,
  maxFrameLength: number,
): OutgoingPacket | string {
  const { point, spelling } = setting;
  const last = isDeleted(point) ? values.lastValue(point.type, point.key) : undefined;
  const sent: Point = {
    ...point,
    key: spelling ?? point.key,
    // Firmware that ignores the tombstone must not read a zero.
    value:
      last === undefined
        ? values.asDeviceSays(setting)
        : values.toDevice(point.type, point.key, last.value),
    origin: '',
  };
  try {
    const packet = outgoing.point(sent, codec);
    if (packet.frame.length <= maxFrameLength) return packet;
    return (
      `too large for the device: ${String(packet.frame.length)} bytes as a frame, ` +
      `maxFrameLength is ${String(maxFrameLength)}`
    );
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return `cannot be encoded for the device: ${error.message}`;
  }
}
