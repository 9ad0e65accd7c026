/** How what crosses a link is to be read, for those who observe it. */
import type { IsoTpOptions } from '../../framing/framings.js';
import type { Transport } from '../../transport/transport.js';
import { framingOf, type LinkConfig } from '../config/config.js';

/**
 * - `cobs`: packets in COBS, in a stream of bytes or in the data of CAN frames
 * - `isotp`: packets in ISO-TP, in CAN frames
 * - `signals`: CAN frames that a database explains
 */
export type LinkFormat =
  | {
      readonly kind: 'cobs';
      /** Longest frame, delimiters included, bytes. */
      readonly maxFrameLength: number;
      /** See `ByteTransport.mayEcho`. */
      readonly mayEcho?: { readonly byteMs: number };
      /** Of a link over CAN: whether it takes frames of CAN FD. */
      readonly canFd?: boolean;
    }
  | {
      readonly kind: 'isotp';
      /** Longest packet, bytes. */
      readonly maxFrameLength: number;
      readonly isotp: IsoTpOptions;
      readonly canFd: boolean;
    }
  | {
      readonly kind: 'signals';
      readonly database: {
        /** For people. */
        readonly file: string;
        /** The file, in base64. */
        readonly content: string;
        /** The bus, where the database has several. */
        readonly bus?: string;
      };
    };

/** The format of a configured link over its transport. */
export function formatOf(
  { transport, maxFrameLength }: LinkConfig,
  channel: Transport,
): LinkFormat {
  if (transport.type === 'can-signals') {
    const { database: file, content, bus } = transport;
    return {
      kind: 'signals',
      database: { file, content, ...(bus === undefined ? {} : { bus }) },
    };
  }
  const canFd = transport.type === 'can' ? { canFd: transport.fd } : {};
  const framing = framingOf(transport);
  if (framing.framing === 'isotp') {
    return { kind: 'isotp', maxFrameLength, isotp: framing.isotp, canFd: canFd.canFd === true };
  }
  const mayEcho = channel.unit === 'bytes' ? channel.mayEcho : undefined;
  return { kind: 'cobs', maxFrameLength, ...(mayEcho && { mayEcho }), ...canFd };
}
