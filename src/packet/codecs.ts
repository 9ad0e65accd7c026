import { compactCodec, isCompact } from './compact.js';
import type { PayloadCodec, PayloadCodecName } from './payload.js';
import { protobufCodec } from './protobuf.js';

/** All payload codecs. One more is one file and one line here. */
export const PAYLOAD_CODECS: Readonly<Record<PayloadCodecName, PayloadCodec>> = {
  protobuf: protobufCodec,
  compact: compactCodec,
};

/**
 * Which codec wrote a payload of points (not an empty one). The two cannot be
 * taken for each other (docs/siot.md, 6), but broken bytes may be neither:
 * then the answer is `protobuf`, whose decoder will refuse them.
 */
export function detectCodec(payload: Uint8Array): PayloadCodec {
  return isCompact(payload) ? compactCodec : protobufCodec;
}
