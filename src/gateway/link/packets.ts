/** Links to devices that send and acknowledge packets. */
import { FRAMINGS, IsoTpTransport } from '../../framing/framings.js';
import type { Listener } from '../../session/diagnosis/diagnosis.js';
import type { DeviceSessionHost, SessionChannel } from '../../session/device-session.js';
import type { NodeState } from '../../session/node-state.js';
import { PacketSession, type PacketSessionOptions } from '../../session/packets/session.js';
import type { Frame } from '../../transport/frame.js';
import { FrameStream } from '../../transport/frame-stream.js';
import type { ByteTransport } from '../../transport/transport.js';
import { framingOf, type LinkConfig } from '../config/config.js';
import { ChannelKeeper } from './channel-keeper.js';
import {
  linkSession,
  type CreateSession,
  type LinkSession,
  type SessionParts,
} from './device-protocol.js';

/** Transmissions of a packet after the first. */
const RETRIES = 3;

/** What a link listens at, for advice to people. */
const LISTENERS: Readonly<Record<LinkConfig['transport']['type'], Listener>> = {
  serial: 'serial',
  usb: 'serial',
  tcp: 'tcp',
  can: 'can',
  'can-signals': 'can',
};

/** Packets in COBS over bytes, or in ISO-TP or COBS over the frames of one device. */
export const createPacketSession: CreateSession = (parts, host, state) => {
  const { config, transport, scheduler, clock, log, tap } = parts;
  const framing = framingOf(config.transport);
  if (transport.unit === 'canFrames') throw new Error('no packets over whole CAN frames');
  if (transport.unit === 'bytes') return overBytes(parts, transport, host, state);
  if (framing.framing === 'cobs') return overBytes(parts, new FrameStream(transport), host, state);
  const { maxFrameLength } = config;
  const packets = new IsoTpTransport(transport, framing.isotp, {
    clock,
    maxFrameLength,
    frame: () => session.line.partCame(),
    discard: (cause, length) => session.line.partsDiscarded(cause, length),
  });
  const channel = new ChannelKeeper(packets, clock, log, tap);
  const session: PacketSession<Frame> = packetSession(parts, host, state, channel, {
    framing: FRAMINGS.isotp,
  });
  return linkSession(session, channel, (...input) => scheduler.joinFrames(...input));
};

function overBytes(
  parts: SessionParts,
  transport: ByteTransport,
  host: DeviceSessionHost,
  state: NodeState,
): LinkSession {
  const { scheduler, clock, random, log, tap } = parts;
  const { mayEcho } = transport;
  const channel = new ChannelKeeper(transport, clock, log, tap);
  const session = packetSession(parts, host, state, channel, {
    framing: FRAMINGS.cobs,
    ...(mayEcho === undefined ? {} : { echo: { ...mayEcho, random } }),
  });
  return linkSession(session, channel, (...input) => scheduler.joinBytes(...input));
}

function packetSession<Unit>(
  { config, clock, log, record }: SessionParts,
  host: DeviceSessionHost,
  state: NodeState,
  channel: SessionChannel<Unit>,
  line: Pick<PacketSessionOptions<Unit>, 'framing' | 'echo'>,
): PacketSession<Unit> {
  const { protocol: codec, restore, ackTimeoutMs, maxFrameLength } = config;
  if (codec === 'shell') throw new Error('no packets in a shell');
  const listener = LISTENERS[config.transport.type];
  const options = {
    ...line,
    listener,
    codec,
    restore,
    ackTimeoutMs,
    retries: RETRIES,
    maxFrameLength,
  };
  return new PacketSession(host, channel, options, state, clock, log, record.session ?? {});
}
