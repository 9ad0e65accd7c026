import { compactCodec, isCompact } from './compact.js';
import type { PayloadCodec, PayloadCodecName } from './payload.js';
import { protobufCodec } from './protobuf.js';

/** All payload codecs. A new one is a file and a line here. */
export const PAYLOAD_CODECS: Readonly<Record<PayloadCodecName, PayloadCodec>> = {
  protobuf: protobufCodec,
  compact: compactCodec,
};

/**
 * The codec of a payload of points, which is not empty. No payload is valid in both
 * (docs/siot.md, 6). For damaged bytes the answer is `protobuf`, whose decoder then
 * refuses them.
 */
export function detectCodec(payload: Uint8Array): PayloadCodec {
  return isCompact(payload) ? compactCodec : protobufCodec;
}
