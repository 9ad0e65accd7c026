/** How what crosses a link is to be read, for those who observe it. */
import type { IsoTpOptions } from '../../framing/framings.js';
import type { PayloadCodecName } from '../../packet/payload.js';
import type { Transport } from '../../transport/transport.js';
import { framingOf, type LinkConfig } from '../config/config.js';

/**
 * - `cobs`: packets in COBS, in a stream of bytes or in the data of CAN frames
 * - `isotp`: packets in ISO-TP, in CAN frames
 * - `signals`: CAN frames that a database explains
 * - `lines`: lines of a console
 */
export type LinkFormat =
  | {
      readonly kind: 'cobs';
      readonly protocol: 'auto' | PayloadCodecName;
      /** Longest frame, delimiters included, bytes. */
      readonly maxFrameLength: number;
      /** See `ByteTransport.mayEcho`. */
      readonly mayEcho?: { readonly byteMs: number };
      /** Of a link over CAN: whether it takes frames of CAN FD. */
      readonly canFd?: boolean;
    }
  | {
      readonly kind: 'isotp';
      readonly protocol: 'auto' | PayloadCodecName;
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
        /** The file, in base64; absent: it is too large to be sent. */
        readonly content?: string;
        /** The bus, where the database has several. */
        readonly bus?: string;
      };
    }
  | {
      readonly kind: 'lines';
      /** Longest line, bytes. */
      readonly maxLineLength: number;
    };

/** The format of a configured link over its transport. */
export function formatOf(config: LinkConfig, channel: Transport): LinkFormat {
  const { transport, protocol, maxFrameLength } = config;
  if (transport.type === 'can-signals') {
    const { database: file, content, bus } = transport;
    const database = { file, content, ...(bus === undefined ? {} : { bus }) };
    return { kind: 'signals', database };
  }
  if (protocol === 'shell') return { kind: 'lines', maxLineLength: maxFrameLength };
  const framing = framingOf(transport);
  if (framing.framing === 'isotp') {
    const canFd = transport.type === 'can' && transport.fd;
    return { kind: 'isotp', protocol, maxFrameLength, isotp: framing.isotp, canFd };
  }
  const mayEcho = channel.unit === 'bytes' ? channel.mayEcho : undefined;
  const canFd = transport.type === 'can' ? { canFd: transport.fd } : {};
  return { kind: 'cobs', protocol, maxFrameLength, ...(mayEcho && { mayEcho }), ...canFd };
}
